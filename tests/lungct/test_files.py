import os

import pytest

from lungct.files import open_regular, reason_of
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
