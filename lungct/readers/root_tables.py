"""What the tables of several data roots say together."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from lungct.readers.tables import TableError, read_annotations, read_patients
from lungct.scan import Nodule
from lungct.storage import exists
from lungct.words import noun


@dataclass
class RootTables:
    """Nodules and patients, as far as tables were added; none may contradict another.

    Attributes:
        nodules: Annotated nodules by series.
        patients: Patient by series.
    """

    nodules: dict[str, tuple[Nodule, ...]] = field(default_factory=dict)
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
        absent = sorted(set(found.by_series) - series)
        if absent and len(absent) == len(found.by_series):
            raise TableError(
                f"expected annotations of scans that are there, such as {min(series)}, got "
                f"{len(absent)} other series, such as {absent[0]}, in {path}"
            )
        for uid, nodules in found.by_series.items():
            if self.nodules.setdefault(uid, nodules) != nodules:
                raise TableError(
                    f"expected one set of annotations for {uid}, got another in {path}"
                )
        if not absent:
            return list(found.warnings)
        gone = f"{len(absent)} series that {noun(len(absent), 'is', 'are')} not there"
        return [*found.warnings, f"{path}: annotations of {gone}, such as {absent[0]}"]

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
