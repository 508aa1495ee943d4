import os

import pytest

from lungct.files import open_regular, reason_of, whole_file
from tests.time_limit import at_most


def test_follows_links_to_files(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with open_regular(str(tmp_path / "link")) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    with at_most(5), pytest.raises(OSError, match="no regular file"):
        open_regular("/dev/zero" if kind == "device" else path)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        open_regular(tmp_path / "gone")


def test_reasons_are_told_without_the_path():
    assert reason_of(OSError(2, "No such file or directory", "/a")) == "No such file or directory"
    assert reason_of(OSError("gone")) == "gone"
    assert reason_of(ValueError("not a number")) == "not a number"


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "x"
    with whole_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_what_was_there_before_stays_where_writing_fails(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_errors_of_writing_name_the_file(tmp_path):
    path = tmp_path / "x"
    (tmp_path / f".x.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"), whole_file(path) as f:
        f.write(b"new")
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=f"'{path}'"), whole_file(path) as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == [path]
