"""Roots on this machine and in buckets."""

from pathlib import Path

import pytest

from components.ct_example_gen.storage import common_base, is_remote, local_copies


def test_remote_paths_are_told_by_their_scheme() -> None:
    assert is_remote("gs://bucket/x") and not is_remote("/data/x")


@pytest.mark.parametrize(
    ("roots", "base"),
    [
        (["/a/b"], "/a/b"),
        (["/a/b", "/a/c/d"], "/a"),
        (["/a/b/", "/c"], "/"),
        (["gs://bucket/x", "gs://bucket/y"], "gs://bucket"),
        (["gs://bucket/x"], "gs://bucket/x"),
    ],
)
def test_common_base(roots: list[str], base: str) -> None:
    assert common_base(roots) == base


@pytest.mark.parametrize("roots", [["gs://a/x", "gs://b/y"], ["gs://a/x", "/b"]])
def test_roots_without_a_common_base_are_refused(roots: list[str]) -> None:
    with pytest.raises(ValueError, match="on one file system or in one bucket, got"):
        common_base(roots)


def test_local_files_are_not_copied(tmp_path: Path) -> None:
    path = str(tmp_path / "a.csv")
    with local_copies([path]) as copies:
        assert copies == [path]
