"""Lists of SHA-256 sums that were made when the scans were good.

A flipped bit in uncompressed voxels leaves a value that a CT may hold: without such a list it
can't be noticed, here or anywhere. (Compressed voxels carry a checksum of their own.) The list is
what `sha256sum subset*/* > SHA256SUMS` writes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lungct.files import read_text, reason_of
from lungct.readers.checksums import scan_checksums, verify_checksums
from lungct.readers.tables import TableError

CHECKSUMS_NAME = "SHA256SUMS"

_LINE = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)")
_VOXELS = (".raw", ".zraw")

# SHA-256 in lower case by file name, for each folder of scans.
Checksums = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ChecksumList:
    """One list: where it lies, and SHA-256 in lower case by the names in it."""

    path: str
    sums: Mapping[str, str]


def find_checksums(
    roots: Sequence[str], headers: Sequence[str], named: str | None = None
) -> tuple[Checksums, tuple[str, ...]]:
    """Reads the lists beside the scans, and one that is named.

    Args:
        roots: Folders of scans; lists are ROOT/SHA256SUMS and ROOT/subset*/SHA256SUMS.
        headers: The scans, `.mhd`.
        named: A further list.

    Returns:
        What `gather_sums` gives.

    Raises:
        TableError: A list can't be read, two give a file different sums, or one is of other files.
    """
    places = [
        place
        for root in map(Path, roots)
        for place in [root / CHECKSUMS_NAME, *sorted(root.glob(f"subset*/{CHECKSUMS_NAME}"))]
        if place.exists()
    ]
    paths = [str(place) for place in places] + ([named] if named else [])
    return gather_checksums(
        [ChecksumList(path, read_checksums(path)) for path in paths], roots, headers
    )


def gather_checksums(
    lists: Sequence[ChecksumList], roots: Sequence[str], headers: Sequence[str]
) -> tuple[Checksums, tuple[str, ...]]:
    """Puts lists together, as far as they are about the scans.

    Args:
        lists: The lists; their names are relative to the list's own folder or to a root.
        roots: Folders of scans, on this machine or in a bucket.
        headers: The scans, `.mhd`.

    Returns:
        Sums by file name for each folder of scans, and what a reader should know, one line each:
        listed scans that are not there, and scans that no list has.

    Raises:
        TableError: Two lists give a file different sums, or none of a list's names is of a folder
            of the scans.
    """
    sums: dict[str, dict[str, str]] = {resolved(os.path.dirname(path)): {} for path in headers}
    for each in lists:
        if not _add(each, [os.path.dirname(each.path), *roots], sums):
            raise TableError(
                f"expected sums of files in {', '.join(sorted(roots))}, got none among "
                f"{len(each.sums)} names in {each.path}"
            )
    return sums, _reports(sums, headers) if lists else ()


def resolved(folder: str) -> str:
    """A folder by its one name, links resolved; one that is no path of this machine as it is."""
    return folder if "://" in folder else os.path.realpath(folder)


def read_checksums(path: str) -> dict[str, str]:
    """Reads a list as `sha256sum` writes it.

    Args:
        path: The list.

    Returns:
        SHA-256 in lower case by name, as the list has it but for a leading `./`.

    Raises:
        TableError: The list can't be read, a line is none of a list, or a file has two sums.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            f"expected a readable list of sums, got {reason_of(error)} in {path}"
        ) from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise TableError(
                f"expected 'SHA-256  name', got {line[:80]!r} in line {number} of {path}"
            )
        name, digest = os.path.normpath(match.group(2)), match.group(1).lower()
        if sums.setdefault(name, digest) != digest:
            raise TableError(
                f"expected one sum of {name}, got {sums[name]} and {digest} "
                f"in line {number} of {path}"
            )
    return sums


def verify_scan(header_path: str, sums: Checksums) -> None:
    """Compares header and voxels of a scan with lists; files that they leave out pass.

    Args:
        header_path: The scan's `.mhd`.
        sums: What `find_sums` gives.

    Raises:
        ScanError: A sum differs.
    """
    listed = sums.get(resolved(os.path.dirname(header_path)))
    if listed:
        verify_checksums(scan_checksums(header_path), header_path, listed)


def _add(each: ChecksumList, bases: Sequence[str], sums: dict[str, dict[str, str]]) -> int:
    """Adds what a list says of folders of scans; gives how many of its names that are."""
    known = 0
    for name, digest in each.sums.items():
        folder, _, file = name.rpartition("/")
        places = {resolved(os.path.join(base.rstrip("/"), folder).rstrip("/")) for base in bases}
        for place in places & sums.keys():
            known += 1
            got = sums[place].setdefault(file, digest)
            if got != digest:
                raise TableError(
                    f"expected one sum of {file} in {place}, got {got} and {digest} in {each.path}"
                )
    return known


def _reports(sums: Checksums, headers: Sequence[str]) -> tuple[str, ...]:
    """Which scans the lists have too many, and too few."""
    found = {(resolved(os.path.dirname(path)), os.path.basename(path)) for path in headers}
    listed = {(place, name) for place, names in sums.items() for name in names}
    absent = sorted(name for place, name in listed - found if name.endswith(".mhd"))
    warnings = []
    if absent:
        warnings.append(
            f"lists of sums have {len(absent)} scans that are not there, such as {absent[0]}"
        )
    without = sorted(
        name
        for place, name in found
        if not any((place, name.removesuffix(".mhd") + ending) in listed for ending in _VOXELS)
    )
    if without:
        warnings.append(
            f"{len(without)} of {len(found)} scans are in no list of sums, such as {without[0]}"
        )
    return tuple(warnings)
