"""Which XML files of a folder are of which series."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from lungct.storage import open_file

HEAD_BYTES = 1 << 14

# The names of elements are compared without their namespace.
_SERIES_PATTERN = re.compile(rb"<SeriesInstanceUid>\s*([0-9.]+)\s*<")


def head_of(path: str) -> bytes:
    """The first bytes of a file; none of what can't be read, which `read_reads` will say."""
    try:
        with open_file(path) as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def by_series(
    paths: Iterable[str], head: Callable[[str], bytes] = head_of
) -> dict[str, tuple[str, ...]]:
    """Groups files by the series that they are of.

    Args:
        paths: XML files; one that is there twice counts once.
        head: Gives the first HEAD_BYTES of a file.

    Returns:
        Sorted paths by series.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(set(paths)):
        found.setdefault(series_of(head(path), path), []).append(path)
    return {series_uid: tuple(group) for series_uid, group in found.items()}


def series_of(head: bytes, path: str) -> str:
    """The series that a file is of, before it is known to be good.

    Args:
        head: Its first HEAD_BYTES.
        path: Where it lies, `SERIES.xml` or `SERIES__2.xml` if the head does not tell.

    Returns:
        What the head names, or else the name of the file.
    """
    match = _SERIES_PATTERN.search(head)
    return match.group(1).decode() if match else Path(path).stem.partition("__")[0]
