"""The table of findings that a mark may lie on without being right or wrong."""

from __future__ import annotations

from lungct.readers.names import DIAMETER_COLUMN, UNKNOWN_DIAMETER
from lungct.readers.tables import diameter_of, number_of, read_places
from lungct.scan import Nodule


def read_excluded(path: str) -> dict[str, tuple[Nodule, ...]]:
    """Reads the findings that are neither true nor false.

    Args:
        path: CSV file with seriesuid, coordX, coordY, coordZ, diameter_mm; -1 is a diameter that
            nobody measured.

    Returns:
        Findings by series, numbered from 1; rows that repeat one are kept, as those of LUNA16's
        own table are.

    Raises:
        TableError: The file is missing or empty, a column is missing, or a value can't be true.
    """
    found: dict[str, list[Nodule]] = {}
    for line, series_uid, centre_mm, text in read_places(path, DIAMETER_COLUMN):
        diameter_mm = number_of(text)
        if diameter_mm != UNKNOWN_DIAMETER:
            diameter_mm = diameter_of(text, f"line {line} of {path}")
        findings = found.setdefault(series_uid, [])
        findings.append(Nodule(str(len(findings) + 1), centre_mm, diameter_mm))
    return {uid: tuple(findings) for uid, findings in found.items()}
