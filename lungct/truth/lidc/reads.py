"""What the readers of one LIDC series wrote down, from its XML files.

The files are those of LIDC-IDRI, https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX. Only the unblinded
reads are there: up to four readers, each of whom saw the others' marks before the last reading.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from lungct.files import open_regular
from lungct.scan import ScanError
from lungct.words import counted

MAX_XML_BYTES = 1 << 24
MAX_OUTLINES = 2000
MAX_PIXEL = 1 << 11
USUAL_READERS = 4


class LidcError(ScanError):
    """The outlines of a series can't be trusted. The text is one line that names the file."""


@dataclass(frozen=True)
class Outline:
    """One closed line in one slice; its pixels are the first ones outside of what it encloses.

    Attributes:
        z_mm: World z of the slice.
        inclusion: False where what is enclosed is no part of the nodule.
        points: Pixels (x, y) = (column, row) of the DICOM image in the order of the line.
    """

    z_mm: float
    inclusion: bool
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Finding:
    """A nodule as one reader marked it.

    Attributes:
        finding_id: The reader's own name of it, not always unique.
        outlines: All outlines in the order of the file.
    """

    finding_id: str
    outlines: tuple[Outline, ...]

    @property
    def is_mark(self) -> bool:
        """Whether it is only a point: LIDC's sign for a nodule below 3 mm."""
        return all(len(outline.points) == 1 for outline in self.outlines)


@dataclass(frozen=True)
class Session:
    """One reader's last, unblinded read.

    Attributes:
        nodules: Outlined nodules, which the reader took to be 3 mm or larger.
        marks: Nodules below 3 mm, each a point that has no extent.
    """

    nodules: tuple[Finding, ...]
    marks: tuple[Finding, ...]


@dataclass(frozen=True)
class Reads:
    """All reads of one series.

    Attributes:
        series_uid: Series of the scan that was read.
        sessions: One for each reader.
        files: Names of the files they came from.
    """

    series_uid: str
    sessions: tuple[Session, ...]
    files: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unusual about the reads, one line each."""
        if len(self.sessions) == USUAL_READERS:
            return ()
        readers = counted(len(self.sessions), "reader")
        return (f"{readers} instead of {USUAL_READERS} in {self.files[0]}",)


def parse_reads(data: bytes, name: str) -> Reads:
    """Reads one XML file.

    Non-nodules are left out. A document type is refused before any entity could be declared, so
    none is ever expanded.

    Args:
        data: The whole file.
        name: Its name, for messages.

    Returns:
        The reads of one series.

    Raises:
        LidcError: The file is no XML of LIDC, or a value in it can't be true.
    """
    root = _parse_safely(data, name)
    series_uid = (root.findtext("ResponseHeader/SeriesInstanceUid") or "").strip()
    if root.tag != "LidcReadMessage" or not series_uid:
        raise LidcError(
            f"expected a LidcReadMessage with a SeriesInstanceUid, got {root.tag} "
            f"with {series_uid!r} in {name}"
        )
    outlines = sum(1 for _ in root.iter("roi"))
    if outlines > MAX_OUTLINES:
        raise LidcError(f"expected at most {MAX_OUTLINES} outlines, got {outlines} in {name}")
    sessions = [_session(element, name) for element in root.findall("readingSession")]
    if not sessions:
        raise LidcError(f"expected at least one readingSession, got {len(sessions)} in {name}")
    return Reads(series_uid, tuple(sessions), (name,))


def merge_reads(parts: Sequence[Reads]) -> Reads:
    """Reads of one series from all of its files.

    Files of a series repeat each other. A session that another file has too counts once; within
    one file equal sessions are different readers, who for example both found nothing.

    Args:
        parts: Reads of single files, all of one series.

    Returns:
        Every session that is in any file, as often as in the file that has it most often.

    Raises:
        LidcError: There are no files, or they are of different series.
    """
    found = sorted({part.series_uid for part in parts})
    if len(found) != 1:
        names = ", ".join(name for part in parts for name in part.files)
        raise LidcError(f"expected files of one series, got {found} in {names or 'no file'}")
    sessions: Counter[Session] = Counter()
    for part in parts:
        sessions |= Counter(part.sessions)
    files = tuple(name for part in parts for name in part.files)
    return Reads(found[0], tuple(sessions.elements()), files)


def read_reads(paths: Sequence[str], series_uid: str) -> Reads:
    """Reads all XML files of a series.

    Args:
        paths: Its files.
        series_uid: The series that they must be of.

    Returns:
        The merged reads.

    Raises:
        LidcError: A file can't be read or trusted, or is of another series.
    """
    reads = merge_reads([parse_reads(_read_bytes(path), path) for path in paths])
    if reads.series_uid != series_uid:
        raise LidcError(
            f"expected outlines of series {series_uid}, got {reads.series_uid} in {paths[0]}"
        )
    return reads


def _read_bytes(path: str) -> bytes:
    """A whole file of bounded size."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        raise LidcError(f"expected readable outlines, got {error.strerror} in {path}") from error
    if len(data) > MAX_XML_BYTES:
        raise LidcError(f"expected at most {MAX_XML_BYTES} bytes of XML, got more in {path}")
    return data


def _parse_safely(data: bytes, name: str) -> ET.Element:
    """The tree of a file without document type, namespaces taken away."""

    def refuse(doctype: str, *_: object) -> NoReturn:
        """Ends the parsing."""
        raise LidcError(f"expected XML without a document type, got <!DOCTYPE {doctype}> in {name}")

    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = refuse
    try:
        # The guard sees all of the file before a tree is built of it.
        guard.Parse(data, True)
        root = ET.fromstring(data)
    except (expat.ExpatError, ET.ParseError, LookupError, ValueError) as error:
        if isinstance(error, LidcError):
            raise
        raise LidcError(f"expected well-formed XML, got {error} in {name}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _session(element: ET.Element, name: str) -> Session:
    """One reading session."""
    findings = [_finding(child, name) for child in element.findall("unblindedReadNodule")]
    return Session(
        nodules=tuple(finding for finding in findings if not finding.is_mark),
        marks=tuple(finding for finding in findings if finding.is_mark),
    )


def _finding(element: ET.Element, name: str) -> Finding:
    """One nodule of one reader."""
    finding_id = (element.findtext("noduleID") or "").strip()
    where = f"nodule {finding_id!r} of {name}"
    outlines = tuple(_outline(roi, where) for roi in element.findall("roi"))
    if not outlines:
        raise LidcError(f"expected at least one roi, got {len(outlines)} in {where}")
    return Finding(finding_id, outlines)


def _outline(roi: ET.Element, where: str) -> Outline:
    """One region of interest."""
    inclusion = (roi.findtext("inclusion") or "").strip().upper()
    if inclusion not in ("TRUE", "FALSE"):
        raise LidcError(f"expected inclusion TRUE or FALSE, got {inclusion!r} in {where}")
    points = tuple(
        (_pixel(edge, "xCoord", where), _pixel(edge, "yCoord", where))
        for edge in roi.findall("edgeMap")
    )
    if not points:
        raise LidcError(f"expected at least one edgeMap, got {len(points)} in {where}")
    return Outline(_z_mm(roi, where), inclusion == "TRUE", points)


def _z_mm(roi: ET.Element, where: str) -> float:
    """World z of a region's slice."""
    text = (roi.findtext("imageZposition") or "").strip()
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise LidcError(f"expected imageZposition in mm, got {text!r} in {where}")
    return value


def _pixel(edge: ET.Element, axis: str, where: str) -> int:
    """A column or row of the image."""
    text = (edge.findtext(axis) or "").strip()
    # int() would take digits of any script, and a million of them.
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) < MAX_PIXEL):
        raise LidcError(f"expected {axis} from 0 to {MAX_PIXEL - 1}, got {text!r} in {where}")
    return int(text)
