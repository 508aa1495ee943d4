"""From data roots to the list of scans to convert: which scan, which patient, which split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.ct_example_gen.data_roots import (
    find_lists,
    find_outlines,
    find_series,
    read_tables,
)
from components.ct_example_gen.splits import FoundScan, SplitRule, assign_splits
from lungct.readers.checksum_lists import Checksums
from lungct.scan import Nodule

SPHERES, LIDC, REFUSE = "spheres", "lidc", "refuse"


@dataclass(frozen=True)
class TruthRule:
    """What counts as nodule.

    Attributes:
        source: SPHERES, of the annotated diameter, or LIDC, what readers outlined.
        min_readers: Readers who must have outlined a voxel.
        outlines: Folders of XML files besides ROOT/lidc.
        without_outlines: For a series without XML, SPHERES instead, or REFUSE the scan.
    """

    source: str = SPHERES
    min_readers: int = 2
    outlines: Sequence[str] = ()
    without_outlines: str = SPHERES


@dataclass(frozen=True)
class Request:
    """Which scans are wanted, and how they are split and labelled.

    Attributes:
        roots: Folders in LUNA16 layout, local or in a bucket.
        split: How scans are split.
        truth: What counts as nodule.
        sums: A list of SHA-256 sums besides those beside the scans, or empty.
    """

    roots: Sequence[str]
    split: SplitRule
    truth: TruthRule = TruthRule()
    sums: str = ""


@dataclass(frozen=True)
class ScanTask:
    """One scan to convert; small enough to travel to a worker.

    Attributes:
        header: Path of the .mhd file, local or in a bucket.
        series_uid: Series instance UID, the header's file name.
        patient_id: The patient, or the series UID where no table names one.
        split: The split that the patient belongs to.
        nodules: Annotated nodules in world millimetres.
        outlines: XML files of the series' readers; empty where spheres are the truth.
    """

    header: str
    series_uid: str
    patient_id: str
    split: str
    nodules: tuple[Nodule, ...]
    outlines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """What the data roots hold.

    Attributes:
        tasks: One per scan, ordered by series UID.
        sums: SHA-256 that were listed, by folder and file name.
        warnings: What the tables' readers found worth saying, one line each.
        phantom_series: The series that are phantoms and no patients.
    """

    tasks: tuple[ScanTask, ...]
    sums: Checksums
    warnings: tuple[str, ...]
    phantom_series: tuple[str, ...]

    @property
    def notes(self) -> dict[str, Any]:
        """The notes that go beside the scans' records, as plain JSON."""
        return {
            "phantom": bool(self.phantom_series),
            "phantom_series": list(self.phantom_series),
            "warnings": list(self.warnings),
        }


def take_inventory(request: Request) -> Inventory:
    """Lists the scans of all roots with their nodules, patients and splits.

    Args:
        request: Which scans, and how they are split and labelled.

    Returns:
        The inventory.

    Raises:
        TableError: If a table can't be trusted, a series lies in two places, a patient would be in
            two splits, or no scan is found.
    """
    series = find_series(request.roots)
    tables = read_tables(request.roots, series)
    sums, checksum_warnings = find_lists(request.roots, series, request.sums)
    found = [
        FoundScan(header, uid, tables.patients.get(uid, uid)) for uid, header in series.items()
    ]
    splits, split_warnings = assign_splits(found, request.split)
    outlines, outline_warnings = _outlines(request, series)
    tasks = tuple(
        ScanTask(
            header=scan.header,
            series_uid=scan.series_uid,
            patient_id=scan.patient_id,
            split=splits[scan.series_uid],
            nodules=tables.nodules.get(scan.series_uid, ()),
            outlines=outlines.get(scan.series_uid, ()),
        )
        for scan in found
    )
    warnings = (*tables.warnings, *split_warnings, *outline_warnings, *checksum_warnings)
    phantoms = [uid for uid, header in series.items() if _below(header, tables.phantom_roots)]
    return Inventory(tasks, sums, warnings, tuple(phantoms))


def _outlines(
    request: Request, series: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Outlines by series where they are the truth, and which scans have none."""
    if request.truth.source == SPHERES:
        return {}, []
    outlines = find_outlines(request.roots, request.truth.outlines)
    without = sorted(set(series) - set(outlines))
    if not without:
        return outlines, []
    fate = "take spheres" if request.truth.without_outlines == SPHERES else "are refused"
    return outlines, [
        f"{len(without)} of {len(series)} scans have no reader outlines and {fate}, "
        f"such as {without[0]}"
    ]


def _below(header: str, roots: Sequence[str]) -> bool:
    return any(header.startswith(root.rstrip("/") + "/") for root in roots)
