"""Lists of checksums that were made when the scans were good.

A flipped bit in uncompressed voxels leaves a value that a CT may hold: without such a list it
can't be noticed, here or anywhere. (Compressed voxels carry a checksum of their own.) The list is
what `sha256sum subset*/* > SHA256SUMS` writes.
"""

from __future__ import annotations

import functools
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lungct.files import reason_of
from lungct.readers.layout import ScanFiles
from lungct.readers.tables import TableError
from lungct.storage import exists, is_remote, read_text
from lungct.words import counted, noun

CHECKSUMS_NAME = "SHA256SUMS"

# Files that each are a scan by themselves.
_SCAN_NAMES = (".mhd", ".mha", ".nii", ".nii.gz")

_LINE = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class _Listed:
    """A checksum, and the list that has it."""

    checksum: str
    place: str


def listed_checksums(
    lists: Sequence[str], named: str, scans: Mapping[str, Sequence[ScanFiles]]
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Reads lists, as far as they are about the scans.

    Args:
        lists: Lists beside the scans; their names are relative to their own folder or to a root.
        named: A further list, or empty.
        scans: The scans of each root, by its folder.

    Returns:
        For each series SHA-256 by path of its files, its label mask and the files in its folder
        that are of no scan, and warnings: listed scans that are not there, and scans that no list
        has.

    Raises:
        TableError: A list can't be read, two give a file different checksums, or none of a list's
            names is of a folder of the scans.
    """
    every = [scan for group in scans.values() for scan in group]
    places = [*lists, *([named] if named else [])]
    if not places:
        return {}, []
    owners = {_place(path): scan.series_uid for scan in every for path in _files_of(scan)}
    found: dict[str, dict[str, _Listed]] = {os.path.dirname(place): {} for place in owners}
    for place in places:
        _add(place, [os.path.dirname(place), *scans], found)
    listed = {
        f"{folder}/{n}": one.checksum for folder, names in found.items() for n, one in names.items()
    }
    strays = _strays(listed, owners)
    by_scan = {scan.series_uid: _of_scan(scan, listed, strays) for scan in every}
    return by_scan, _warnings(every, listed, owners)


def read_checksums(path: str) -> dict[str, str]:
    """Reads a list as `sha256sum` writes it.

    Args:
        path: The list.

    Returns:
        SHA-256 in lower case by name, as the list has it but for a leading `./`.

    Raises:
        TableError: The list can't be read, a line is none of a list, or a file has two checksums.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            f"expected a readable list of checksums, got {reason_of(error)} in {path}"
        ) from error
    checksums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise TableError(
                f"expected 'SHA-256  name', got {line[:80]!r} in line {number} of {path}"
            )
        name, digest = os.path.normpath(match.group(2)), match.group(1).lower()
        if checksums.setdefault(name, digest) != digest:
            raise TableError(
                f"expected one checksum of {name}, got {checksums[name]} and {digest} "
                f"in line {number} of {path}"
            )
    return checksums


def _add(place: str, bases: Sequence[str], found: dict[str, dict[str, _Listed]]) -> None:
    """Adds what a list says of the scans' folders."""
    checksums = read_checksums(place)
    known = 0
    for name, digest in checksums.items():
        folder, _, file = name.rpartition("/")
        paths = {_resolved(f"{base.rstrip('/')}/{folder}".rstrip("/")) for base in bases}
        for path in paths & found.keys():
            known += 1
            other = found[path].setdefault(file, _Listed(digest, place))
            if other.checksum != digest:
                raise TableError(
                    f"expected one checksum of {file} in {path}, got {other.checksum} in "
                    f"{other.place} and {digest} in {place}"
                )
    if not known:
        raise TableError(
            f"expected checksums of files in {', '.join(sorted(bases[1:]))}, got none among "
            f"{len(checksums)} names in {place}"
        )


def _files_of(scan: ScanFiles) -> tuple[str, ...]:
    return (*scan.files, scan.label) if scan.label else scan.files


def _strays(
    listed: Mapping[str, str], owners: Mapping[str, str]
) -> dict[str, list[tuple[str, str]]]:
    """Name and checksum of the listed files that no scan owns, by folder."""
    strays: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place, checksum in listed.items():
        if place not in owners:
            folder, _, name = place.rpartition("/")
            strays[folder].append((name, checksum))
    return strays


def _of_scan(
    scan: ScanFiles, listed: Mapping[str, str], strays: Mapping[str, list[tuple[str, str]]]
) -> dict[str, str]:
    """Checksums by path of a scan's files and of those beside them that are of no scan."""
    own = {path: listed[_place(path)] for path in _files_of(scan) if _place(path) in listed}
    first = scan.files[0]
    folder = first.rpartition("/")[0]
    is_folder = scan.path not in scan.files
    beside = strays.get(os.path.dirname(_place(first)), ())
    # In a folder of slices what is listed and gone was a slice; notes that are there are none.
    kept = ((n, c) for n, c in beside if not (is_folder and exists(f"{folder}/{n}")))
    return {**own, **{f"{folder}/{name}": checksum for name, checksum in kept}}


def _warnings(
    scans: Sequence[ScanFiles], listed: Mapping[str, str], owners: Mapping[str, str]
) -> list[str]:
    """Which scans the lists have too many, and too few."""
    absent = sorted(path for path in listed.keys() - owners.keys() if path.endswith(_SCAN_NAMES))
    warnings = []
    if absent:
        warnings.append(
            f"lists of checksums have {counted(len(absent), 'scan')} that "
            f"{noun(len(absent), 'is', 'are')} not there, such as {absent[0]}"
        )
    without = sorted(s.series_uid for s in scans if _place(s.files[-1]) not in listed)
    if without:
        warnings.append(
            f"{len(without)} of {counted(len(scans), 'scan')} {noun(len(without), 'is', 'are')} in "
            f"no list of checksums, such as {without[0]}"
        )
    return warnings


def _place(path: str) -> str:
    return f"{_resolved(os.path.dirname(path))}/{os.path.basename(path)}"


@functools.lru_cache(maxsize=1 << 16)
def _resolved(folder: str) -> str:
    """A folder by its one name, links resolved; one that is no path of this machine as it is."""
    return folder if is_remote(folder) else os.path.realpath(folder)
