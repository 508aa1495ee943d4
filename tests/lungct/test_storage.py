"""Files of this machine and of buckets, for which fsspec's file system in memory stands in."""

import os
from pathlib import Path

import fsspec
import pytest

from lungct.storage import (
    StorageError,
    common_base,
    exists,
    fingerprint,
    is_folder,
    is_remote,
    list_files,
    local_copies,
    open_file,
    printable,
    read_text,
)
from tests.time_limit import at_most

MEMORY = fsspec.filesystem("memory")


def put(path: str, data: bytes = b"x") -> str:
    MEMORY.pipe(path, data)
    return path


def make(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return str(folder)


def test_remote_paths_are_told_by_their_scheme() -> None:
    assert is_remote("gs://bucket/x") and not is_remote("/data/x")


@pytest.mark.parametrize(
    ("roots", "base"),
    [
        (["/a/b"], "/a/b"),
        (["/a/b", "/a/c/d"], "/a"),
        (["/a/b", "/a/bc"], "/a"),
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


def test_a_listing_is_sorted_deep_and_without_hidden_files(tmp_path: Path) -> None:
    names = ["b/2.mhd", "a.csv", "b/1/2/3/4/5/x.dcm", ".hidden", "b/.git/x", "Z"]
    root = make(tmp_path / "data", *names)
    listing, warnings = list_files(root + "/")
    assert listing.root == root
    shown = [listing.relative(path) for path in listing.files]
    assert shown == ["Z", "a.csv", "b/1/2/3/4/5/x.dcm", "b/2.mhd"]
    assert all(path.startswith(f"{root}/") for path in listing.files)
    assert warnings == ()


def test_a_bucket_is_listed_by_the_paths_that_users_know() -> None:
    for name in ("subset0/1.mhd", "a.csv", ".hidden", "subset0/1.raw"):
        put(f"memory://test-storage/list/{name}")
    listing, warnings = list_files("memory://test-storage/list")
    assert listing.files == tuple(
        f"memory://test-storage/list/{name}" for name in ("a.csv", "subset0/1.mhd", "subset0/1.raw")
    )
    assert warnings == ()
    with listing.open(listing.files[0]) as file:
        assert file.read() == b"x"


def test_names_that_are_no_utf8_are_left_out_and_told(tmp_path: Path) -> None:
    root = make(tmp_path / "data", "1.mhd")
    with open(os.fsencode(tmp_path / "data") + b"/\xff.raw", "wb"):
        pass
    listing, warnings = list_files(root)
    assert listing.files == (f"{root}/1.mhd",)
    assert warnings == (f"left out a file whose name is no UTF-8: {root}/\\xff.raw",)


def test_folders_are_followed_through_links_and_circles_end(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "1.mhd")
    root = make(tmp_path / "data", "a.csv")
    (tmp_path / "data" / "subset0").symlink_to(tmp_path / "elsewhere")
    assert list_files(root)[0].files == (f"{root}/a.csv", f"{root}/subset0/1.mhd")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "elsewhere")
    with at_most(10):
        files = list_files(root)[0].files
    assert files == (f"{root}/a.csv", f"{root}/subset0/1.mhd")
    for name in "xyz":
        (tmp_path / "data" / name).symlink_to(tmp_path / "data")
    with at_most(10):
        assert list_files(root)[0].files == files


@pytest.mark.parametrize("root", ["/gone", "memory://test-storage/gone"])
def test_a_folder_that_is_not_there_is_named(root: str) -> None:
    with pytest.raises(StorageError, match=f"expected a folder of XML files, got '{root}'"):
        list_files(root, "XML files")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    root = make(tmp_path, "a.csv")
    with pytest.raises(StorageError, match="expected a folder of scans, got '/.*a.csv'"):
        list_files(f"{root}/a.csv")


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path, "secret/a.csv")
    (tmp_path / "secret").chmod(0)
    scandir = os.scandir

    def refusing(path: str) -> object:
        """As the system does it for anybody but root, who may be running the tests."""
        if str(path).endswith("/secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(StorageError, match="may be read, got 'Permission denied' for /.*/secret"):
        list_files(root)


def test_what_is_there(tmp_path: Path) -> None:
    root = make(tmp_path, "a.csv")
    place = put("memory://test-storage/there/a.csv")
    for path, folder in ((f"{root}/a.csv", root), (place, "memory://test-storage/there")):
        assert exists(path) and not is_folder(path)
        assert exists(folder) and is_folder(folder)
        assert not exists(f"{path}.gone") and not is_folder(f"{path}.gone")


def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffµ".encode())
    assert read_text(str(tmp_path / "a.csv")) == "µ"
    assert read_text(put("memory://test-storage/text.csv", "µ".encode())) == "µ"
    with pytest.raises(UnicodeDecodeError):
        read_text(put("memory://test-storage/other.csv", b"\xff\xfeb\x00"))


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with at_most(5), pytest.raises(OSError, match="no regular file"):
        open_file(str(tmp_path / "pipe"))


@pytest.mark.parametrize("path", ["/gone/a.csv", "memory://test-storage/gone.csv"])
def test_a_file_that_is_gone_has_neither_content_nor_fingerprint(path: str) -> None:
    with pytest.raises(OSError, match="gone"):
        read_text(path)
    with pytest.raises(OSError, match="gone"):
        fingerprint(path)


def test_a_fingerprint_changes_with_size_and_time(tmp_path: Path) -> None:
    path = make(tmp_path, "a.csv") + "/a.csv"
    seen = {fingerprint(path)}
    assert fingerprint(path) in seen
    stat = os.stat(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    seen.add(fingerprint(path))
    Path(path).write_bytes(b"xy")
    seen.add(fingerprint(path))
    place = put("memory://test-storage/print.csv")
    seen.add(fingerprint(place))
    put(place, b"y")
    seen.add(fingerprint(place))
    assert len(seen) == 5


def test_local_files_are_not_copied(tmp_path: Path) -> None:
    path = str(tmp_path / "a.csv")
    with local_copies([path]) as places:
        assert places == {path: path}


def test_files_of_a_bucket_are_copied_with_their_neighbours_for_a_while(tmp_path: Path) -> None:
    local = make(tmp_path, "a.csv") + "/a.csv"
    one, two = (put(f"memory://test-storage/copy/1.{n}", n.encode()) for n in ("mhd", "raw"))
    other = put("memory://test-storage/copy/deep/1.mhd", b"other")
    with local_copies([one, two, other, local]) as places:
        assert places[local] == local
        assert [Path(places[path]).read_bytes() for path in (one, two, other)] == [
            *(b"mhd", b"raw", b"other")
        ]
        assert Path(places[one]).name == "1.mhd"
        assert Path(places[one]).parent == Path(places[two]).parent != Path(places[other]).parent
    assert not any(os.path.exists(places[path]) for path in (one, two, other))


def test_what_cannot_be_copied_is_an_error() -> None:
    with pytest.raises(OSError, match="gone"), local_copies(["memory://test-storage/gone.raw"]):
        pass


def test_printable() -> None:
    assert printable("/a/µ") == "/a/µ"
    assert printable(os.fsdecode(b"/a/\xff")) == "/a/\\xff"
