"""Files that may lie on this machine or in a bucket."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence

from tfx.dsl.io import fileio


def is_remote(path: str) -> bool:
    """Whether a path names a bucket and not this machine's file system."""
    return "://" in path


def common_base(roots: Sequence[str]) -> str:
    """Returns the longest folder that all roots lie in, to which patterns can be relative.

    Args:
        roots: Absolute folders, all local or all in one bucket.

    Returns:
        The folder, without a slash at its end except for the root itself.

    Raises:
        ValueError: If the roots are not all local or not all in one bucket.
    """
    parts = [root.rstrip("/").split("/") for root in roots]
    length = 0
    while length < min(map(len, parts)) and len({tuple(p[: length + 1]) for p in parts}) == 1:
        length += 1
    if length == 0 or (is_remote(roots[0]) and length < 3):
        raise ValueError(f"expected data roots on one file system or in one bucket, got {roots}")
    return "/".join(parts[0][:length]) or "/"


@contextlib.contextmanager
def local_copies(paths: Sequence[str]) -> Iterator[list[str]]:
    """Gives local paths to files, copying those that are remote for as long as the context lasts.

    Args:
        paths: Files; names must differ.

    Yields:
        Local paths in the same order, all in one folder where the files are remote.
    """
    if not any(is_remote(path) for path in paths):
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="noduleflow-") as folder:
        copies = [os.path.join(folder, os.path.basename(path)) for path in paths]
        for path, copy in zip(paths, copies, strict=True):
            fileio.copy(path, copy, overwrite=True)
        yield copies
