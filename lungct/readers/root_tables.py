"""What the tables of several data roots say together."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from lungct.readers.excluded import read_excluded
from lungct.readers.tables import TableError, read_annotations, read_patients
from lungct.scan import Nodule
from lungct.storage import exists
from lungct.words import noun


@dataclass
class RootTables:
    """Nodules and patients, as far as tables were added; none may contradict another.

    Attributes:
        nodules: Annotated nodules by series.
        excluded: Findings by series that are neither true nor false.
        patients: Patient by series.
    """

    nodules: dict[str, tuple[Nodule, ...]] = field(default_factory=dict)
    excluded: dict[str, tuple[Nodule, ...]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)

    def add_annotations(self, path: str, series: Set[str]) -> list[str]:
        """Adds a table of nodules, which must be about one scan at least.

        Args:
            path: The table.
            series: All scans that are there.

        Returns:
            Warnings, one line each.

        Raises:
            TableError: The table is not there, can't be trusted, is of other scans alone, or
                contradicts another one.
        """
        if not exists(path):
            raise TableError(f"expected the annotation table {path}, got no such file")
        found = read_annotations(path)
        added = _Table("annotations", path, found.by_series)
        return [*found.warnings, *added.add_to(self.nodules, series)]

    def add_excluded(self, path: str, series: Set[str]) -> list[str]:
        """Adds a table of findings that are neither true nor false; as `add_annotations`."""
        return _Table("excluded findings", path, read_excluded(path)).add_to(self.excluded, series)

    def add_patients(self, path: str) -> None:
        """Adds a table of patients.

        Args:
            path: The table.

        Raises:
            TableError: It can't be trusted, or contradicts another one.
        """
        for uid, patient_id in read_patients(path).items():
            if self.patients.setdefault(uid, patient_id) != patient_id:
                raise TableError(
                    f"expected one patient for series {uid}, "
                    f"got {self.patients[uid]} and, in {path}, {patient_id}"
                )


def absent_series(
    what: str, path: str, by_series: Mapping[str, object], series: Set[str]
) -> list[str]:
    """Series of a table that are not there; a table must be about one scan at least.

    Args:
        what: What its rows are.
        path: Where it was read.
        by_series: Its rows by series.
        series: All scans that are there, at least one.

    Returns:
        Their names in order.

    Raises:
        TableError: The table is of other scans alone, such as one whose names are written in
            another way.
    """
    absent = sorted(set(by_series) - series)
    if absent and len(absent) == len(by_series):
        raise TableError(
            f"expected {what} of scans that are there, such as {min(series)}, got "
            f"{len(absent)} other series, such as {absent[0]}, in {path}"
        )
    return absent


class _Table(NamedTuple):
    """A table of places in scans: what they are, where it was read, and places by series."""

    what: str
    path: str
    by_series: dict[str, tuple[Nodule, ...]]

    def add_to(self, known: dict[str, tuple[Nodule, ...]], series: Set[str]) -> list[str]:
        """Adds it to what others have; warns of series that are not there."""
        absent = absent_series(self.what, self.path, self.by_series, series)
        for uid, places in self.by_series.items():
            if known.setdefault(uid, places) != places:
                raise TableError(
                    f"expected one set of {self.what} for {uid}, got another in {self.path}"
                )
        if not absent:
            return []
        gone = f"{len(absent)} series that {noun(len(absent), 'is', 'are')} not there"
        return [f"{self.path}: {self.what} of {gone}, such as {absent[0]}"]
