"""The tables beside the scans. One that can't be trusted stops the run before any work."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lungct.files import reason_of
from lungct.limits import MAX_COORDINATE_MM, MAX_DIAMETER_MM
from lungct.readers.names import (
    COORDINATE_COLUMNS,
    DIAMETER_COLUMN,
    PATIENT_COLUMN,
    SERIES_COLUMN,
)
from lungct.scan import Nodule
from lungct.storage import read_text

SERIES_NAMES = (SERIES_COLUMN, "series_uid", "seriesinstanceuid")
_PATIENT = (PATIENT_COLUMN, "patientid", "patient")
_SPLIT = ("split",)
# What a series is called in tables that name its file.
_FILE_SUFFIXES = (".mhd", ".mha", ".raw", ".zraw", ".nii.gz", ".nii", ".dcm")


class TableError(ValueError):
    """A table or the set of scans can't be trusted. The text names file and line."""


class Place(NamedTuple):
    """A row of a table of places in scans.

    Attributes:
        line: Its line, from 1.
        series_uid: Series of the scan.
        centre_mm: World (x, y, z) in mm, LPS.
        text: What else was asked for.
    """

    line: int
    series_uid: str
    centre_mm: tuple[float, float, float]
    text: str


@dataclass(frozen=True)
class Annotations:
    """Annotated nodules.

    Attributes:
        by_series: Nodules of each series that has any, in the order of the table.
        warnings: What a reader of the table should know, one line each.
    """

    by_series: dict[str, tuple[Nodule, ...]]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class SplitTable:
    """A list of splits.

    Attributes:
        path: Where it was read.
        by_series: Whether its rows are series; patients otherwise.
        rows: Split and line by series or patient.
    """

    path: str
    by_series: bool
    rows: dict[str, tuple[str, int]]


def read_annotations(path: str) -> Annotations:
    """Reads a table of nodules with the columns of LUNA16 in any order.

    Args:
        path: CSV file with seriesuid, coordX, coordY, coordZ, diameter_mm; UTF-8, BOM allowed.

    Returns:
        Nodules by series, numbered from 1 by the order of their rows, duplicates left out and
        reported.

    Raises:
        TableError: The file is missing or empty, a column is missing, or a value can't be true.
    """
    found: dict[str, dict[tuple[float, ...], int]] = {}
    warnings = []
    for line, series_uid, centre_mm, text in read_places(path, DIAMETER_COLUMN):
        where = f"line {line} of {path}"
        numbers = (*centre_mm, diameter_of(text, where))
        known = found.setdefault(series_uid, {})
        if numbers in known:
            warnings.append(
                f"{where} repeats line {known[numbers]}: series {series_uid}, {numbers}"
            )
        known.setdefault(numbers, line)
    return Annotations({uid: _nodules(rows) for uid, rows in found.items()}, tuple(warnings))


def read_places(path: str, column: str) -> Iterator[Place]:
    """Reads a table of places in scans with the columns of LUNA16 in any order.

    Args:
        path: CSV file with seriesuid, coordX, coordY, coordZ; UTF-8, BOM allowed.
        column: One more column that it has.

    Yields:
        The rows in the order of the table.

    Raises:
        TableError: The file is missing or empty, a column is missing, or a value can't be true.
    """
    names = (*COORDINATE_COLUMNS, column)
    for line, row in _rows(path, [SERIES_NAMES, *((name.lower(),) for name in names)]):
        where = f"line {line} of {path}"
        series_uid = bare_name(row[0])
        if not series_uid:
            raise TableError(f"expected a seriesuid, got {row[0]!r} in {where}")
        x, y, z = (
            _coordinate(text, name, where)
            for text, name in zip(row[1:-1], COORDINATE_COLUMNS, strict=True)
        )
        yield Place(line, series_uid, (x, y, z), row[-1])


def read_patients(path: str) -> dict[str, str]:
    """Reads which patient each series is of.

    Args:
        path: CSV file with the columns seriesuid and patient_id, or a table separated by blanks
            with PatientID and SeriesInstanceUID as LIDC-IDRI gives it.

    Returns:
        Patient by series.

    Raises:
        TableError: The file is missing or empty, a column is missing, a field is empty, or a
            series has two patients.
    """
    patients: dict[str, str] = {}
    for line, (name, patient_id) in _rows(path, [SERIES_NAMES, _PATIENT]):
        series_uid = bare_name(name)
        if not series_uid or not patient_id:
            got = (series_uid, patient_id)
            raise TableError(f"expected a series and a patient, got {got} in line {line} of {path}")
        if patients.setdefault(series_uid, patient_id) != patient_id:
            both = f"{patients[series_uid]} and {patient_id}"
            raise TableError(
                f"expected one patient of series {series_uid}, got {both} in line {line} of {path}"
            )
    return patients


def read_splits(path: str, splits: Sequence[str]) -> SplitTable:
    """Reads which split each series, or each patient, is to be in.

    Args:
        path: CSV file with the column split and either seriesuid or patient_id; with both, such as
            the manifest of an earlier run, the series counts.
        splits: The names that a row may have.

    Returns:
        The table.

    Raises:
        TableError: The file is missing or empty, a column is missing, a split is not one of those,
            or a series or patient has two.
    """
    by_series = any(name in SERIES_NAMES for name in _columns(path))
    rows: dict[str, tuple[str, int]] = {}
    for line, (text, split) in _rows(path, [SERIES_NAMES if by_series else _PATIENT, _SPLIT]):
        name = bare_name(text) if by_series else text
        if not name or split not in splits:
            raise TableError(
                f"expected a {'series' if by_series else 'patient'} and one of the splits "
                f"{', '.join(splits)}, got {(name, split)} in line {line} of {path}"
            )
        known = rows.setdefault(name, (split, line))
        if known[0] != split:
            raise TableError(
                f"expected one split of {name}, got {known[0]} in line {known[1]} and {split} "
                f"in line {line} of {path}"
            )
    return SplitTable(path, by_series, rows)


def bare_name(text: str) -> str:
    """A series as tables call it, without folders and without the ending of a file of scans."""
    name = text.rpartition("/")[2].rpartition("\\")[2].strip()
    lower = name.lower()
    ending = next((suffix for suffix in _FILE_SUFFIXES if lower.endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(ending) :]) if ending else name


def _columns(path: str) -> list[str]:
    """Names of the columns in lower case; none where `_rows` will say what is wrong."""
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    header = next((line for line in lines if line.strip()), "")
    return [name.strip(' "').lower() for name in header.split("," if "," in header else None)]


def _rows(path: str, columns: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and the asked-for fields of each row; columns are names in lower case."""
    try:
        text = read_text(path)
        lines = text.splitlines()
        separated = "," in (lines[0] if lines else "")
        table = csv.reader(lines, strict=True) if separated else map(str.split, lines)
        header: list[str] | None = None
        places: list[int] = []
        for line, row in enumerate(table, start=1):
            fields = [field.strip() for field in row]
            if not any(fields):
                continue
            if header is None:
                header = fields
                places = _places(header, columns, path)
            elif len(fields) != len(header):
                raise TableError(
                    f"expected {len(header)} fields, got {len(fields)} in line {line} of {path}"
                )
            else:
                yield line, tuple(fields[place] for place in places)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"expected a readable table, got {reason_of(error)} in {path}") from error
    if header is None:
        raise TableError(f"expected a table with a header, got {len(text)} characters in {path}")


def _places(header: list[str], columns: Sequence[tuple[str, ...]], path: str) -> list[int]:
    """Where the asked-for columns are."""
    lower = [name.lower() for name in header]
    places = []
    for names in columns:
        matches = [place for place, name in enumerate(lower) if name in names]
        if len(matches) != 1:
            raise TableError(f"expected one column {names[0]}, got columns {header} in {path}")
        places += matches
    return places


def number_of(text: str) -> float:
    """The number that a field holds; NaN where it holds none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def diameter_of(text: str, where: str) -> float:
    """The diameter in mm that a field holds.

    Args:
        text: The field.
        where: Its line and file, for the message.

    Raises:
        TableError: It is none that can be true.
    """
    value = number_of(text)
    if not 0 < value <= MAX_DIAMETER_MM:
        expected = f"{DIAMETER_COLUMN} above 0 and up to {MAX_DIAMETER_MM:g} mm"
        raise TableError(f"expected {expected}, got {text!r} in {where}")
    return value


def _coordinate(text: str, name: str, where: str) -> float:
    """A coordinate in mm that can be true."""
    value = number_of(text)
    if not abs(value) <= MAX_COORDINATE_MM:
        expected = f"{name} within ±{MAX_COORDINATE_MM:g} mm"
        raise TableError(f"expected {expected}, got {text!r} in {where}")
    return value


def _nodules(rows: dict[tuple[float, ...], int]) -> tuple[Nodule, ...]:
    """Nodules of one series, numbered from 1."""
    return tuple(
        Nodule(str(number), (x, y, z), diameter_mm)
        for number, (x, y, z, diameter_mm) in enumerate(rows, start=1)
    )
