"""Opening files that others made: never a pipe or a device, which would be read without end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader


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
