"""Which scans are wanted, and the list of those found."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lungct.grid import Grid
from lungct.inventory import FoundScan, Inventory, take_inventory
from lungct.roots import DataRoot
from lungct.words import noun
from schema.hyperparameters import Intensity
from schema.run_parameters import DATA_ROOT, with_data_root
from schema.splits import PlacedScan, SplitRule, assign_splits


@dataclass(frozen=True)
class Request:
    """What CtExampleGen needs to know of the configuration.

    Attributes:
        roots: Data roots, local or in a bucket.
        split: How scans are split.
        grid: The working grid.
        intensity: The window of the sums that intensity normalisation is learnt from.
        checksums: A list of checksums besides those beside the scans, or empty.
    """

    roots: tuple[DataRoot, ...]
    split: SplitRule
    grid: Grid
    intensity: Intensity
    checksums: str = ""

    def to_json(self) -> str:
        """The request as JSON, the same for the same request always."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Reads what `to_json` wrote."""
        content = json.loads(text)
        roots = tuple(
            DataRoot(**{**root, "outlines": tuple(root["outlines"])}) for root in content["roots"]
        )
        split, grid = SplitRule(**content["split"]), Grid(**content["grid"])
        low, high = content["intensity"]["window_hu"]
        return cls(roots, split, grid, Intensity((low, high)), content["checksums"])

    @classmethod
    def of_run(cls, exec_properties: Mapping[str, Any]) -> "Request":
        """The request of the component, with the data root of the run where it is a parameter.

        Args:
            exec_properties: `request` as JSON, and perhaps `data_root`.
        """
        content = json.loads(exec_properties["request"])
        return cls.from_json(json.dumps(with_data_root(content, exec_properties.get(DATA_ROOT))))


@dataclass(frozen=True)
class ScanTask:
    """One scan to convert, and the split of its patient; small enough to travel to a worker."""

    scan: FoundScan
    split: str


def list_tasks(request: Request) -> tuple[tuple[ScanTask, ...], Inventory]:
    """Lists the scans of all roots with their splits.

    Args:
        request: Which scans are wanted.

    Returns:
        One task for each scan, ordered by series, and the inventory with warnings of both.

    Raises:
        TableError: A table can't be trusted, a series lies in two places, a patient would be in
            two splits, or a root has no scan.
        StorageError: A folder can't be listed.
    """
    inventory = take_inventory(request.roots, request.checksums)
    placed = [PlacedScan(s.files.path, s.series_uid, s.patient_id) for s in inventory.scans]
    splits, warnings = assign_splits(placed, request.split)
    tasks = tuple(ScanTask(scan, splits[scan.series_uid]) for scan in inventory.scans)
    return tasks, dataclasses.replace(
        inventory, warnings=(*inventory.warnings, *_without_patient(inventory.scans), *warnings)
    )


def _without_patient(scans: Sequence[FoundScan]) -> list[str]:
    """Says how many scans have no patient but themselves."""
    unknown = [scan.series_uid for scan in scans if scan.patient_id == scan.series_uid]
    if not unknown:
        return []
    number = len(unknown)
    outcome = noun(number, "counts as a patient", "count as a patient each")
    return [
        f"{number} series {noun(number, 'is', 'are')} in no table of patients and {outcome}, "
        f"such as {min(unknown)}"
    ]
