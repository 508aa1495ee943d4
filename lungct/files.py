"""Files of this machine: others' are never a pipe or device, ours are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Opens a file for reading.

    Args:
        path: The file; links are followed.

    Returns:
        The open file.

    Raises:
        OSError: It can't be opened, or is no regular file.
    """
    # Without O_NONBLOCK a pipe that nobody writes to would not even open.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file", os.fspath(path))
    return open(descriptor, "rb")


def reason_of(error: Exception) -> str:
    """Why a file can't be read, without the path that an error of the system repeats."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole, and is removed where it does not become so.

    Args:
        path: The file; replaced where it exists.

    Yields:
        The file, opened to write bytes.

    Raises:
        OSError: It can't be written, and what was there before stays; the error names the file,
            also where the system does not.
    """
    part = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        part.unlink(missing_ok=True)
