"""The folder that a command writes to, which must be none where scans are looked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lungct.inventory import FoundScan
from lungct.storage import is_remote


def folder_apart(
    option: str, folder: str, given: Iterable[str], scans: Iterable[FoundScan]
) -> Path:
    """Makes a folder for results.

    Args:
        option: What names it on the command line, for messages.
        folder: The folder.
        given: Files and data roots that are read.
        scans: The scans found there.

    Returns:
        The folder, links resolved, with all that it lies in.

    Raises:
        ValueError: What is written there would be taken for scans the next time.
        OSError: It can't be made.
    """
    place = Path(folder).resolve()
    roots = {_resolved(path) for path in given if not is_remote(path)}
    files = (path for scan in scans for path in scan.files.files if not is_remote(path))
    taken = roots | {_resolved(path).parent for path in files}
    if place in taken or (place.parent in roots and place.match("subset*")):
        raise ValueError(f"expected {option} apart from the scans, got {folder!r}")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _resolved(path: str) -> Path:
    return Path(path).resolve()
