"""SHA-256 sums of scans against a list that was made when they were good.

A flipped bit in uncompressed voxels leaves a value that a CT may hold: without such a list it
can't be noticed, here or anywhere. (Compressed voxels carry a checksum of their own.) The list is
what `sha256sum subset*/* > SHA256SUMS` writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lungct.header import read_header
from lungct.scan import ScanError
from lungct.tables import TableError

SUMS_NAME = "SHA256SUMS"

_LINE = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)")
_CHUNK_BYTES = 1 << 20


def find_sums(roots: Sequence[str], named: str | None = None) -> dict[str, str]:
    """Reads the lists beside the scans, and one that is named.

    Args:
        roots: Folders of scans; lists are ROOT/SHA256SUMS and ROOT/subset*/SHA256SUMS.
        named: A further list, whose names are looked for in its own folder.

    Returns:
        SHA-256 in lower case by absolute path; empty without a list.

    Raises:
        TableError: A list can't be read, or two lines give a file different sums.
    """
    places = [
        place
        for root in map(Path, roots)
        for place in [root / SUMS_NAME, *sorted(root.glob(f"subset*/{SUMS_NAME}"))]
        if place.exists()
    ]
    sums: dict[str, str] = {}
    for place in [*places, *([Path(named)] if named else [])]:
        for path, digest in read_sums(str(place)).items():
            if sums.setdefault(path, digest) != digest:
                raise TableError(
                    f"expected one sum of {path}, got {sums[path]} and {digest} in {place}"
                )
    return sums


def read_sums(path: str) -> dict[str, str]:
    """Reads a list as `sha256sum` writes it.

    Args:
        path: The list; names in it are relative to its folder.

    Returns:
        SHA-256 in lower case by absolute path.

    Raises:
        TableError: The list can't be read, a line is none of a list, or a file has two sums.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"expected a readable list of sums, got {error} in {path}") from error
    folder = Path(path).resolve().parent
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise TableError(
                f"expected 'SHA-256  name', got {line[:80]!r} in line {number} of {path}"
            )
        name, digest = str(folder / match.group(2)), match.group(1).lower()
        if sums.setdefault(name, digest) != digest:
            raise TableError(
                f"expected one sum of {match.group(2)}, got {sums[name]} and {digest} "
                f"in line {number} of {path}"
            )
    return sums


def sha256_of(path: str) -> str:
    """SHA-256 of a file in lower-case hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def verify_scan(header_path: str, sums: Mapping[str, str]) -> None:
    """Compares header and voxels of a scan with a list; files that it leaves out pass.

    Args:
        header_path: The scan's `.mhd`.
        sums: SHA-256 by absolute path, as `find_sums` gives it.

    Raises:
        ScanError: A sum differs, or the header does not pass its preflight.
    """
    if not sums:
        return
    _verify(header_path, sums, header_path)
    _verify(read_header(header_path).voxels_path, sums, header_path)


def _verify(path: str, sums: Mapping[str, str], header_path: str) -> None:
    """Compares one file."""
    place = Path(path)
    # Only the folder is resolved, as for the list: a link's own name is what the list has.
    expected = sums.get(str(place.parent.resolve() / place.name))
    if expected is None:
        return
    try:
        got = sha256_of(path)
    except OSError as error:
        raise ScanError(f"expected a readable file, got {error} in {header_path}") from error
    if got != expected:
        raise ScanError(f"expected SHA-256 {expected} of {place.name}, got {got} in {header_path}")
