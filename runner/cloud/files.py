"""Files that are there whole, or as they were before."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def whole_file(path: str) -> Iterator[str]:
    """Gives a file beside `path` to write to, and renames it when that ended well.

    Args:
        path: The file to be; where it is a link, what it leads to. Folders are made.

    Yields:
        The path to write to.

    Raises:
        OSError: If a file at `path` can't be written.
    """
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "expected a file to write, got something else", path)
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    number, unfinished = tempfile.mkstemp(prefix=".partial-", dir=folder)
    os.close(number)
    try:
        yield unfinished
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(unfinished)
