"""SHA-256 sums of what a scan is made from: header, voxels, annotation rows, reader outlines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lungct.files import open_regular
from lungct.readers.metaimage_header import read_header
from lungct.scan import Nodule, ScanError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class ScanChecksums:
    """SHA-256 of the two files of a scan; empty for one that can't be read or is not known.

    Attributes:
        header: Of the `.mhd`.
        voxels: Of the file that the header names.
        voxels_name: Name of that file.
    """

    header: str = ""
    voxels: str = ""
    voxels_name: str = ""


def scan_checksums(header_path: str) -> ScanChecksums:
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
        return ScanChecksums(header)
    return ScanChecksums(header, _sum_or_empty(voxels_path), os.path.basename(voxels_path))


def verify_checksums(found: ScanChecksums, header_path: str, listed: Mapping[str, str]) -> None:
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


def annotation_checksum(nodules: Sequence[Nodule]) -> str:
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


def files_checksum(paths: Sequence[str]) -> str:
    """SHA-256 of the sums of files in their order, a line each; empty without files.

    Raises:
        OSError: A file can't be read.
    """
    text = "".join(f"{sha256_of(path)}\n" for path in paths)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


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


def _sum_or_empty(path: str) -> str:
    """Sum of a file, empty where it can't be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
