"""SHA-256 sums of scans, and lists of them that were made when the scans were good.

A flipped bit in uncompressed voxels leaves a value that a CT may hold: without such a list it
can't be noticed, here or anywhere. (Compressed voxels carry a checksum of their own.) The list is
what `sha256sum subset*/* > SHA256SUMS` writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lungct.files import open_regular, read_text
from lungct.header import read_header
from lungct.scan import Nodule, ScanError
from lungct.tables import TableError

SUMS_NAME = "SHA256SUMS"

_LINE = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)")
_CHUNK_BYTES = 1 << 20

# SHA-256 in lower case by file name, for each folder.
Sums = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ScanSums:
    """SHA-256 of the two files of a scan; empty for one that can't be read or is not known.

    Attributes:
        header: Of the `.mhd`.
        voxels: Of the file that the header names.
        voxels_name: Name of that file.
    """

    header: str = ""
    voxels: str = ""
    voxels_name: str = ""


def scan_sums(header_path: str) -> ScanSums:
    """Sums of the files of a scan, also of one that can't be used.

    Args:
        header_path: The scan's `.mhd`.

    Returns:
        The sums; what is wrong with a file whose sum is empty, reading the scan says.
    """
    header = _sum_or_empty(header_path)
    try:
        voxels_path = read_header(header_path).voxels_path
    except ScanError:
        return ScanSums(header)
    return ScanSums(header, _sum_or_empty(voxels_path), os.path.basename(voxels_path))


def verify_sums(found: ScanSums, header_path: str, listed: Mapping[str, str]) -> None:
    """Compares a scan with a list; files that it leaves out pass.

    Args:
        found: Sums of the scan's files.
        header_path: The scan's `.mhd`.
        listed: SHA-256 by file name for the header's folder.

    Raises:
        ScanError: A sum differs.
    """
    names = (os.path.basename(header_path), found.voxels_name)
    for name, got in zip(names, (found.header, found.voxels), strict=True):
        expected = listed.get(name)
        if expected is not None and got and got != expected:
            raise ScanError(f"expected SHA-256 {expected} of {name}, got {got} in {header_path}")


def annotation_sum(nodules: Sequence[Nodule]) -> str:
    """SHA-256 of a scan's annotation rows, however their table is laid out.

    Args:
        nodules: Annotated nodules in the order of the table.

    Returns:
        The sum of the lines `x,y,z,diameter` in mm, each number in as many digits as tell it from
        its neighbours; empty without nodules.
    """
    rows = ((*nodule.centre_mm, nodule.diameter_mm) for nodule in nodules)
    text = "".join(",".join(repr(float(number)) for number in row) + "\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def files_sum(paths: Sequence[str]) -> str:
    """SHA-256 of the sums of files in their order, a line each; empty without files.

    Raises:
        OSError: A file can't be read.
    """
    text = "".join(f"{sha256_of(path)}\n" for path in paths)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def find_sums(roots: Sequence[str], named: str | None = None) -> Sums:
    """Reads the lists beside the scans, and one that is named.

    Args:
        roots: Folders of scans; lists are ROOT/SHA256SUMS and ROOT/subset*/SHA256SUMS.
        named: A further list, whose names are looked for in its own folder.

    Returns:
        Sums by file name for each folder, links resolved; empty without a list.

    Raises:
        TableError: A list can't be read, or two lines give a file different sums.
    """
    places = [
        place
        for root in map(Path, roots)
        for place in [root / SUMS_NAME, *sorted(root.glob(f"subset*/{SUMS_NAME}"))]
        if place.exists()
    ]
    places += [Path(named)] if named else []
    return merge_sums((str(place.parent), read_sums(str(place))) for place in places)


def merge_sums(lists: Iterable[tuple[str, Mapping[str, str]]]) -> Sums:
    """Puts lists together.

    Args:
        lists: For each list its folder, and SHA-256 by names relative to that.

    Returns:
        Sums by file name for each folder.

    Raises:
        TableError: Two lists give a file different sums.
    """
    sums: dict[str, dict[str, str]] = {}
    for place, names in lists:
        for name, digest in names.items():
            path = os.path.join(place, name)
            known = sums.setdefault(resolved(os.path.dirname(path)), {})
            got = known.setdefault(os.path.basename(path), digest)
            if got != digest:
                raise TableError(
                    f"expected one sum of {path}, got {got} and {digest} in a list of {place}"
                )
    return sums


def resolved(folder: str) -> str:
    """A folder by its one name, links resolved; one that is no path of this machine as it is."""
    return folder if "://" in folder else os.path.realpath(folder)


def read_sums(path: str) -> dict[str, str]:
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
        raise TableError(f"expected a readable list of sums, got {error} in {path}") from error
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


def sha256_of(path: str) -> str:
    """SHA-256 of a file in lower-case hexadecimal, read in pieces.

    Raises:
        OSError: It can't be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def verify_scan(header_path: str, sums: Sums) -> None:
    """Compares header and voxels of a scan with lists; files that they leave out pass.

    Args:
        header_path: The scan's `.mhd`.
        sums: What `find_sums` gives.

    Raises:
        ScanError: A sum differs.
    """
    listed = sums.get(resolved(os.path.dirname(header_path)))
    if listed:
        verify_sums(scan_sums(header_path), header_path, listed)


def _sum_or_empty(path: str) -> str:
    """Sum of a file, empty where it can't be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
