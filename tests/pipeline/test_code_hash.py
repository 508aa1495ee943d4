"""The hash of our source changes with names and contents, and with nothing else."""

from pathlib import Path

import pytest

from pipeline.code_hash import EVERYTHING, INGEST, LEARNING, source_hash


def make(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "x.py").write_text("1")
    (folder / "a" / "notes.txt").write_text("not source")
    (folder / "b.py").write_text("2")


def test_contents_and_names_count(tmp_path: Path) -> None:
    make(tmp_path)
    before = source_hash(("a", "b.py"), tmp_path)
    (tmp_path / "a" / "notes.txt").write_text("changed")
    assert source_hash(("a", "b.py"), tmp_path) == before
    (tmp_path / "a" / "x.py").write_text("3")
    changed = source_hash(("a", "b.py"), tmp_path)
    (tmp_path / "a" / "x.py").rename(tmp_path / "a" / "y.py")
    assert len({before, changed, source_hash(("a", "b.py"), tmp_path)}) == 3


def test_a_part_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        source_hash(("nothing",), tmp_path)


def test_our_parts_are_there_and_differ() -> None:
    assert len({source_hash(INGEST), source_hash(LEARNING), source_hash(EVERYTHING)}) == 3
