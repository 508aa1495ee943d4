"""SHA-256 of what a scan is made from: its files, annotation rows, outlines or label mask."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lungct.files import open_regular
from lungct.scan import Nodule, ScanError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class ScanChecksums:
    """SHA-256 of the files of a scan; empty for one that can't be read.

    Attributes:
        by_file: Of each file, by its path on this machine.
        header: Of the file that names the scan; empty where that is a folder.
        voxels: Of the file that holds its voxels, or of the checksums of several.
    """

    by_file: Mapping[str, str]
    header: str = ""
    voxels: str = ""


def scan_checksums(path: str, members: Sequence[str]) -> ScanChecksums:
    """Checksums of the files of a scan, also of one that can't be used.

    Args:
        path: What names the scan.
        members: Its files; the voxels are in those that are not `path`, or in it alone.

    Returns:
        The checksums; what is wrong with a file without one, reading the scan says.
    """
    by_file = {member: _checksum_or_empty(member) for member in members}
    voxels = [by_file[member] for member in members if member != path]
    header = by_file.get(path, "")
    return ScanChecksums(by_file, header, _combined(voxels) if voxels or not header else header)


def verify_checksums(
    found: Mapping[str, str], listed: Mapping[str, str], path: str, all_listed: bool = False
) -> None:
    """Compares a scan with a list; files that it leaves out pass.

    Args:
        found: SHA-256 by file of the scan, empty for one that can't be read.
        listed: SHA-256 by file, of the scan's folder.
        path: What names the scan.
        all_listed: Whether every listed file must be one of the scan's.

    Raises:
        ScanError: A checksum differs, or a listed file is gone.
    """
    for file, got in found.items():
        expected = listed.get(file)
        if expected is not None and got and got != expected:
            name = os.path.basename(file)
            raise ScanError(f"expected SHA-256 {expected} of {name}, got {got} in {path}")
    gone = sorted(set(listed) - set(found)) if all_listed else []
    if gone:
        raise ScanError(f"expected the listed file {gone[0]}, got no such file in {path}")


def annotation_checksum(nodules: Sequence[Nodule]) -> str:
    """SHA-256 of a scan's annotation rows, however their table is laid out.

    Args:
        nodules: Annotated nodules in the order of the table.

    Returns:
        The checksum of the lines `x,y,z,diameter` in mm, each number in as many digits as tell it
        from its neighbours; empty without nodules.
    """
    rows = ((*nodule.centre_mm, nodule.diameter_mm) for nodule in nodules)
    text = "".join(",".join(repr(float(number)) for number in row) + "\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def files_checksum(paths: Sequence[str]) -> str:
    """SHA-256 of the checksums of files in their order; empty without files, or without one."""
    return _combined([_checksum_or_empty(path) for path in paths])


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


def _combined(checksums: Sequence[str]) -> str:
    """One checksum as it is, of several the SHA-256 of their lines; empty where one is missing."""
    if not checksums or not all(checksums):
        return ""
    if len(checksums) == 1:
        return checksums[0]
    return hashlib.sha256("".join(f"{each}\n" for each in checksums).encode()).hexdigest()


def _checksum_or_empty(path: str) -> str:
    """Checksum of a file, empty where it can't be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
