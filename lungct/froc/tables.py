"""The tables of a LUNA16 submission and of what it is judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lungct.files import reason_of
from lungct.froc.matching import Marks
from lungct.readers.excluded import read_excluded
from lungct.readers.names import PROBABILITY_COLUMN
from lungct.readers.root_tables import absent_series
from lungct.readers.tables import (
    SERIES_NAMES,
    TableError,
    bare_name,
    number_of,
    read_annotations,
    read_patients,
    read_places,
)
from lungct.scan import Nodule
from lungct.storage import read_text
from lungct.words import counted


@dataclass(frozen=True)
class TablePaths:
    """Where the tables are.

    Attributes:
        annotations: Nodules, as `lungct.readers.tables.read_annotations` reads them.
        excluded: Findings that are neither true nor false.
        series: The scans that count.
        submission: Marks.
        patients: Whose each series is; empty where each series is a patient.
    """

    annotations: str
    excluded: str
    series: str
    submission: str
    patients: str = ""


@dataclass(frozen=True)
class Challenge:
    """What is judged, and by what.

    Attributes:
        patients: Whose each series that counts is, by series.
        nodules: By series; of the series that count some have none, others may be there.
        excluded: Likewise.
        marks: Likewise.
        ignored_marks: Marks in series that don't count.
        warnings: What a reader of the figures should know, one line each.
    """

    patients: dict[str, str]
    nodules: dict[str, tuple[Nodule, ...]]
    excluded: dict[str, tuple[Nodule, ...]]
    marks: dict[str, Marks]
    ignored_marks: int
    warnings: tuple[str, ...]


def read_challenge(paths: TablePaths) -> Challenge:
    """Reads all tables.

    Marks and nodules in series that don't count are ignored with a warning: LUNA16's script
    ignores them too.

    Raises:
        TableError: A table can't be trusted, is of other series alone, or has no patient of a
            series that counts.
    """
    series = read_series(paths.series)
    annotations = read_annotations(paths.annotations)
    excluded = read_excluded(paths.excluded)
    marks = read_marks(paths.submission)
    patients = read_patients(paths.patients) if paths.patients else {uid: uid for uid in series}
    missing = [uid for uid in series if uid not in patients]
    if missing:
        raise TableError(f"expected a patient of series {missing[0]}, got none in {paths.patients}")
    listed = set(series)
    absent_series("excluded findings", paths.excluded, excluded, listed)
    nodules = sum(
        len(annotations.by_series[uid])
        for uid in absent_series("annotations", paths.annotations, annotations.by_series, listed)
    )
    ignored = sum(
        len(marks[uid].scores) for uid in absent_series("marks", paths.submission, marks, listed)
    )
    outside = f"in series that are not in {paths.series}"
    warnings = [
        *annotations.warnings,
        *(
            f"ignored {counted(number, what)} of {path} {outside}"
            for number, what, path in (
                (ignored, "mark", paths.submission),
                (nodules, "nodule", paths.annotations),
            )
            if number
        ),
    ]
    return Challenge(
        {uid: patients[uid] for uid in series},
        annotations.by_series,
        excluded,
        marks,
        ignored,
        tuple(warnings),
    )


def read_series(path: str) -> tuple[str, ...]:
    """Reads which series count.

    Args:
        path: Text with one series a line, with or without the header seriesuid.

    Returns:
        The series in the order of the file.

    Raises:
        TableError: The file can't be read or holds no series, a line holds more than one, or a
            series is twice there.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"expected a list of series, got {reason_of(error)} in {path}") from error
    found: dict[str, int] = {}
    for number, text in enumerate(lines, start=1):
        name = bare_name(text.strip().strip('"'))
        header = not found and name.lower() in SERIES_NAMES
        if not text.strip() or header:
            continue
        if not name or set(name) & set(' ,;\t"'):
            raise TableError(f"expected one series, got {text!r} in line {number} of {path}")
        if name in found:
            both = f"lines {found[name]} and {number} of {path}"
            raise TableError(f"expected each series once, got {name} in {both}")
        found[name] = number
    if not found:
        raise TableError(f"expected a list of series, got none in {path}")
    return tuple(found)


def read_marks(path: str) -> dict[str, Marks]:
    """Reads a submission.

    Args:
        path: CSV file with seriesuid, coordX, coordY, coordZ, probability, which is any finite
            number.

    Returns:
        Marks by series in the order of the table; rows that repeat one are marks of their own.

    Raises:
        TableError: The file is missing or empty, a column is missing, or a value can't be true.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    for line, series_uid, centre_mm, text in read_places(path, PROBABILITY_COLUMN):
        score = number_of(text)
        if not math.isfinite(score):
            where = f"line {line} of {path}"
            raise TableError(
                f"expected {PROBABILITY_COLUMN} as a finite number, got {text!r} in {where}"
            )
        found.setdefault(series_uid, []).append((*centre_mm, score))
    rows = {uid: np.array(marks, dtype=np.float64) for uid, marks in found.items()}
    return {uid: Marks(values[:, :3], values[:, 3]) for uid, values in rows.items()}
