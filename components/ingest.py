"""From data roots to the list of scans to convert: which scan, which patient, which split."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.io import fileio

from components.splits import patient_split
from components.storage import is_remote, local_copies
from lungct.scan import Nodule
from lungct.tables import Annotations, TableError, find_scans, read_annotations, read_patients

ANNOTATIONS = "annotations.csv"
PATIENT_TABLES = ("patients.csv", "LIDC-IDRI-mappingLUNA16.txt", "LIDC-IDRI-mappingLUNA16.csv")
PHANTOM_NOTE = "PHANTOM.json"


@dataclasses.dataclass(frozen=True)
class ScanTask:
    """One scan to convert; small enough to travel to a worker.

    Attributes:
      header: Path of the .mhd file, local or in a bucket.
      series_uid: Series instance UID, the header's file name.
      patient_id: The patient, or the series UID where no table names one.
      split: The split that the patient belongs to.
      nodules: Annotated nodules in world millimetres.
    """

    header: str
    series_uid: str
    patient_id: str
    split: str
    nodules: tuple[Nodule, ...]


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What the data roots hold.

    Attributes:
      tasks: One per scan, ordered by series UID.
      reports: What the tables' readers found worth saying, one line each.
      phantom_series: The series that are phantoms and no patients.
    """

    tasks: tuple[ScanTask, ...]
    reports: tuple[str, ...]
    phantom_series: tuple[str, ...]

    @property
    def notes(self) -> dict[str, Any]:
        """The notes that go beside the scans' records, as plain JSON."""
        return {
            "phantom": bool(self.phantom_series),
            "phantom_series": list(self.phantom_series),
            "table_reports": list(self.reports),
        }


def take_inventory(roots: Sequence[str], split: Mapping[str, Any]) -> Inventory:
    """Lists the scans of all roots with their nodules, patients and splits.

    Args:
      roots: Folders in LUNA16 layout, local or in a bucket.
      split: `eval_fraction`, `test_fraction` and `salt`, see `components.splits`.

    Returns:
      The inventory.

    Raises:
      TableError: If a table can't be trusted, a series lies in two places or no scan is found.
    """
    series = _find_series(roots)
    nodules, patients, reports, phantom_roots = _read_tables(roots, series)
    tasks = []
    for series_uid, header in sorted(series.items()):
        patient_id = patients.get(series_uid, series_uid)
        tasks.append(
            ScanTask(
                header=header,
                series_uid=series_uid,
                patient_id=patient_id,
                split=patient_split(patient_id, **split),
                nodules=nodules.get(series_uid, ()),
            )
        )
    phantoms = [uid for uid, header in sorted(series.items()) if _below(header, phantom_roots)]
    return Inventory(tuple(tasks), tuple(reports), tuple(phantoms))


def _find_series(roots: Sequence[str]) -> dict[str, str]:
    """Header path by series UID; the same series in two places is an error."""
    remote = [root for root in roots if is_remote(root)]
    headers = find_scans([root for root in roots if not is_remote(root)])
    for root in remote:
        headers += fileio.glob(os.path.join(root, "subset*", "*.mhd"))
    series: dict[str, str] = {}
    for header in headers:
        other = series.setdefault(_series_uid(header), header)
        if other != header:
            raise TableError(f"expected series {_series_uid(header)} once, got {other}, {header}")
    if not series:
        raise TableError(f"expected scans as ROOT/subset*/SERIES.mhd, got none in {list(roots)}")
    return series


def _series_uid(header: str) -> str:
    return os.path.basename(header).removesuffix(".mhd")


def _below(header: str, roots: Sequence[str]) -> bool:
    return any(header.startswith(root.rstrip("/") + "/") for root in roots)


def _read_tables(
    roots: Sequence[str], series: Mapping[str, str]
) -> tuple[dict[str, tuple[Nodule, ...]], dict[str, str], list[str], list[str]]:
    nodules: dict[str, tuple[Nodule, ...]] = {}
    patients: dict[str, str] = {}
    reports: list[str] = []
    phantom_roots = []
    for root in roots:
        annotations = _read_annotations(os.path.join(root, ANNOTATIONS))
        reports += annotations.reports
        absent = sorted(set(annotations.by_series) - set(series))
        if absent:
            reports.append(
                f"{os.path.join(root, ANNOTATIONS)}: annotations of {len(absent)} series "
                f"that are not there, such as {absent[0]}"
            )
        for uid, found in annotations.by_series.items():
            if nodules.setdefault(uid, found) != found:
                raise TableError(
                    f"expected one set of annotations for {uid}, "
                    f"got another in {os.path.join(root, ANNOTATIONS)}"
                )
        _add_patients(root, patients)
        if fileio.exists(os.path.join(root, PHANTOM_NOTE)):
            phantom_roots.append(root)
    return nodules, patients, reports, phantom_roots


def _read_annotations(path: str) -> Annotations:
    if not fileio.exists(path):
        raise TableError(f"expected the annotation table {path}, got no such file")
    with local_copies([path]) as (copy,):
        return read_annotations(copy)


def _add_patients(root: str, patients: dict[str, str]) -> None:
    for name in PATIENT_TABLES:
        path = os.path.join(root, name)
        if not fileio.exists(path):
            continue
        with local_copies([path]) as (copy,):
            table = read_patients(copy)
        for uid, patient_id in table.items():
            if patients.setdefault(uid, patient_id) != patient_id:
                raise TableError(
                    f"expected one patient for series {uid}, "
                    f"got {patients[uid]} and, in {path}, {patient_id}"
                )
