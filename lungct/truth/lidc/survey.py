"""What a collection of LIDC XML files holds, counted without the scans.

The files give pixels and the z of slices but no pixel spacing, so no diameter in mm can be
measured from them. What can be counted is what the readers themselves decided: an outline means
that the reader took the nodule to be 3 mm or larger, a single point that it is smaller. LUNA16
counts its 1,186 nodules in the same way, lesions of 3 mm or more by at least 3 of 4 readers, but
merges readers by distances in mm.
"""

from __future__ import annotations

import lzma
import math
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lungct.truth.lidc.lesions import find_lesions
from lungct.truth.lidc.outlines import ImageStack
from lungct.truth.lidc.reads import (
    MAX_PIXEL,
    MAX_XML_BYTES,
    LidcError,
    Reads,
    merge_reads,
    parse_reads,
)

LUNA16_NODULES = 1186

# Two heights nearer than this are one slice; LIDC's thinnest slices are 0.45 mm apart.
_SAME_SLICE_MM = 0.1


@dataclass(frozen=True)
class Survey:
    """Counts of a collection; every field is ready for JSON.

    Attributes:
        files: XML files found.
        refused: For each file or series that can't be trusted why, one line each.
        series: Series with at least one good file.
        nodules: Outlined nodules of all readers.
        marks: Nodules marked by a point, below 3 mm, of all readers.
        lesions_by_readers: Lesions by the number of readers who outlined them.
        warnings: What could not be rendered, one line each.
    """

    files: int
    refused: tuple[str, ...]
    series: int
    nodules: int
    marks: int
    lesions_by_readers: dict[int, int]
    warnings: tuple[str, ...]

    def lesions(self, min_readers: int) -> int:
        """Lesions that at least so many readers outlined."""
        return sum(n for readers, n in self.lesions_by_readers.items() if readers >= min_readers)


def survey(place: str) -> Survey:
    """Parses all XML files of a folder or tar file and counts.

    Args:
        place: Folder, searched at any depth, or tar file, compressed or not, read in memory.

    Returns:
        The counts; files that can't be trusted are named, the others counted.

    Raises:
        LidcError: The place is neither.
    """
    files, refused, by_series = 0, [], dict[str, list[Reads]]()
    for name, data in _xml_files(place):
        files += 1
        try:
            reads = parse_reads(data, name)
            by_series.setdefault(reads.series_uid, []).append(reads)
        except LidcError as error:
            refused.append(str(error))
    nodules = marks = 0
    counts: Counter[int] = Counter()
    warnings: list[str] = []
    for parts in by_series.values():
        merged = merge_reads(parts)
        nodules += sum(len(session.nodules) for session in merged.sessions)
        marks += sum(len(session.marks) for session in merged.sessions)
        try:
            lesions, lines = find_lesions(merged, _stack_without_scan(merged))
        except LidcError as error:
            refused.append(f"{error} of series {merged.series_uid}")
            continue
        counts += Counter(len(lesion.readers) for lesion in lesions)
        warnings += [*merged.warnings, *(f"{line} in {merged.files[0]}" for line in lines)]
    by_readers = dict(sorted(counts.items()))
    return Survey(
        files, tuple(refused), len(by_series), nodules, marks, by_readers, tuple(warnings)
    )


def _xml_files(place: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each XML file; nothing is ever unpacked to disk."""
    path = Path(place)
    if path.is_dir():
        for file in sorted(path.rglob("*.xml")):
            yield str(file), file.read_bytes()
        return
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".xml"):
                    yield f"{path}:{member.name}", _member_bytes(archive, member)
    except (OSError, tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
        why = str(error).partition("\n")[0]
        raise LidcError(f"expected a folder or a tar file, got {why} for {place!r}") from error


def _member_bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """One member of a tar file, empty where it is larger than any XML of LIDC."""
    file = archive.extractfile(member)
    return file.read() if file is not None and member.size <= MAX_XML_BYTES else b""


def _stack_without_scan(reads: Reads) -> ImageStack:
    """Slices numbered by their heights, the smallest step between outlines taken as spacing."""
    outlines = [o for s in reads.sessions for finding in s.nodules for o in finding.outlines]
    heights = np.unique([outline.z_mm for outline in outlines])
    steps = np.diff(heights)
    spacing_mm = float(min(steps[steps > _SAME_SLICE_MM], default=math.inf))
    lowest = float(min(heights, default=0.0))
    return ImageStack(lambda z_mm: round((z_mm - lowest) / spacing_mm), (MAX_PIXEL, MAX_PIXEL))
