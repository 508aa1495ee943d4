"""A small made-up run for the report's tests: slices, rows, masks, records, evaluation, history."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lungct.metrics import Overlap, overlap_of
from lungct.record import NoduleRecord, ScanRecord
from report.build import ReportInputs, ReportParameters
from report.slices import ScanFiles
from schema import features, slices
from schema.files import INDEX_ENDING, MASK_ENDING
from schema.judged import (
    Calibration,
    FalsePositive,
    NoduleFigures,
    NoduleRow,
    Place,
    Row,
    ScanFigures,
    ScanRow,
    SliceRow,
)
from schema.judged_io import row_bytes
from schema.masks import mask_bytes
from tests import made_scans
from tests.components.made_evaluation import MadeFigures, at_least, eval_config, write_evaluation

SPACING_MM = (2.5, 2.0, 1.0)  # (z, y, x)
ROWS, COLUMNS = 64, 64
GRID = {"spacing_mm": list(SPACING_MM)}
CONFIGURATION = json.dumps({"name": "made-up run", "grid": GRID, "evaluation": {"replicates": 200}})
# A model that passed reaches the first, one that missed does not reach the second.
PASSED, MISSED = (at_least(0.5),), (at_least(0.9),)
PARAMETERS = ReportParameters(CONFIGURATION, PASSED, "c0ffee", 0.5)


@dataclass(frozen=True)
class MadeNodule:
    """A ball in a made-up scan; its diameter is given by voxels, its bucket by name."""

    nodule_id: str
    zyx: tuple[int, int, int]
    diameter_mm: float
    bucket: str


@dataclass(frozen=True)
class MadeScan:
    """A made-up scan on the working grid; voxel (0, 0, 0) lies at world (-30, -60, -100)."""

    series_uid: str
    split: str
    nodules: tuple[MadeNodule, ...] = ()
    shape: tuple[int, int, int] = (12, ROWS, COLUMNS)
    spacing_mm: tuple[float, float, float] = SPACING_MM
    origin_mm: tuple[float, float, float] = (-30.0, -60.0, -100.0)
    phantom: bool = True
    # Probability and voxel of found nodules that hit none.
    false_positives: tuple[tuple[float, tuple[int, int, int]], ...] = ()

    def world(self, zyx: tuple[int, int, int]) -> tuple[float, float, float]:
        axes = zip(self.origin_mm, zyx[::-1], self.spacing_mm[::-1], strict=True)
        x, y, z = (origin + index * step for origin, index, step in axes)
        return x, y, z

    def ball(self, nodule: MadeNodule) -> np.ndarray[Any, Any]:
        """bool (z, y, x): voxels whose centre is within the radius."""
        grid = np.indices(self.shape).transpose(1, 2, 3, 0)
        away_mm = (grid - np.array(nodule.zyx)) * np.array(self.spacing_mm)
        inside: np.ndarray[Any, Any] = (away_mm**2).sum(-1) <= (nodule.diameter_mm / 2) ** 2
        return inside

    def truth(self) -> np.ndarray[Any, Any]:
        balls = [self.ball(nodule) for nodule in self.nodules]
        return np.any([np.zeros(self.shape, bool), *balls], axis=0)

    def shifted(self, columns: int = 1) -> np.ndarray[Any, Any]:
        """A prediction of which the Dice is known: the truth some columns to the right."""
        return np.roll(self.truth(), columns, axis=2)

    def made(self) -> made_scans.MadeScan:
        """The same scan as CtExampleGen leaves it."""
        truth = self.truth()
        plane = self.shape[1:]
        hu = np.stack([chest(plane, z) for z in range(self.shape[0])])
        cut = [(one, np.flatnonzero(self.ball(one).any((1, 2)))) for one in self.nodules]
        return made_scans.MadeScan(
            uid=self.series_uid,
            hu=np.where(truth, np.int16(30), hu),
            coverage=np.where(truth, 255, 0).astype(np.uint8),
            nodules=tuple((one.nodule_id, one.diameter_mm, tuple(z.tolist())) for one, z in cut),
            patient=f"patient of {self.series_uid}",
            split=self.split,
            region=np.broadcast_to(lungs(plane), self.shape).astype(np.uint8),
            origin_mm=self.origin_mm,
        )

    def place(self, *buckets: str) -> Place:
        patient = f"patient of {self.series_uid}"
        return Place(self.split, self.series_uid, patient, "made up", buckets)

    def rows(self) -> list[Row]:
        """What is judged of it where the truth one column to the right is predicted."""
        truth, predicted = self.truth(), self.shifted()
        slice_row = SliceRow(
            self.place("none"), 0, {features.CANDIDATE: overlap_of(predicted[0], truth[0])}
        )
        marks = tuple(FalsePositive(self.world(zyx), p) for p, zyx in self.false_positives)
        figures = ScanFigures(overlap_of(predicted, truth), marks, Calibration((90, 10), (1, 9)))
        scan_row = ScanRow(self.place(*features.BUCKETS), {features.CANDIDATE: figures})
        return [slice_row, *map(self.nodule_row, self.nodules), scan_row]

    def nodule_row(self, nodule: MadeNodule) -> NoduleRow:
        """A nodule by itself: its neighbours do not count. It is hit where it fills a voxel."""
        ball = self.ball(nodule)
        overlap = overlap_of(np.roll(ball, 1, axis=2), ball)
        found = overlap.truth > 0
        figures = NoduleFigures(
            overlap if found else Overlap(0, 0, 0),
            surface_dice=0.75 if found else math.nan,
            hausdorff_mm=1.0 if found else math.nan,
            hit_probability=0.875 if found else math.nan,
        )
        return NoduleRow(
            self.place(nodule.bucket),
            nodule.nodule_id,
            nodule.diameter_mm,
            self.world(nodule.zyx),
            {features.CANDIDATE: figures},
        )

    def record(self, **changed: Any) -> ScanRecord:
        """What the records of the scans say of it."""
        nodules = tuple(
            NoduleRecord(one.nodule_id, self.world(one.zyx), one.diameter_mm, 1.0, one.bucket)
            for one in self.nodules
        )
        known = ScanRecord(
            self.series_uid,
            "accepted",
            patient_id=f"patient of {self.series_uid}",
            source="made up",
            split=self.split,
            phantom=self.phantom,
            spacing_mm=self.spacing_mm,
            nodules=nodules,
            slice_count=self.shape[0],
        )
        return replace(known, **changed)


Plane = tuple[int, ...]


def chest(plane: Plane, seed: int) -> np.ndarray[Any, Any]:
    """int16 (y, x) HU: a body with two lungs and some noise."""
    y, x = relative(plane)
    hu = np.full(plane, -1000.0)
    hu[(x / 0.46) ** 2 + (y / 0.36) ** 2 < 1] = 40
    hu[lungs(plane)] = -850
    return (hu + np.random.default_rng(seed).normal(0, 30, hu.shape)).astype(np.int16)


def lungs(plane: Plane) -> np.ndarray[Any, Any]:
    y, x = relative(plane)
    inside: np.ndarray[Any, Any] = ((abs(x) - 0.21) / 0.17) ** 2 + (y / 0.27) ** 2 < 1
    return inside


def relative(plane: Plane) -> np.ndarray[Any, Any]:
    """Places of the pixels along y and x, -0.5 to 0.5."""
    places: np.ndarray[Any, Any] = np.indices(plane) / np.array(plane)[:, None, None] - 0.5
    return places


def write_judged(
    folder: Path, scan: MadeScan, prediction: np.ndarray[Any, Any] | None = None
) -> ScanFiles:
    """Slices, index, rows and mask of a scan, the truth one column to the right if not told."""
    path = made_scans.write_scan(folder / "examples", scan.made())
    index = folder / "examples" / f"Split-{features.index_split(scan.split)}"
    rows = slices.read_index([str(index / f"{scan.series_uid}{INDEX_ENDING}")])
    mask = folder / "predictions" / f"{scan.series_uid}{MASK_ENDING}"
    mask.parent.mkdir(parents=True, exist_ok=True)
    mask.write_bytes(mask_bytes(scan.shifted() if prediction is None else prediction))
    write_rows(folder / "rows" / f"Split-{scan.split}", scan.series_uid, scan.rows())
    return ScanFiles(str(path.parent), tuple(rows), str(mask))


def write_rows(folder: Path, name: str, rows: Sequence[Row]) -> str:
    """Rows of one scan in the folder of its split."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / f"{name}{INDEX_ENDING}"), "GZIP") as writer:
        for row in rows:
            writer.write(row_bytes(row))
    return str(folder)


def write_scan_records(
    folder: Path, scans: Sequence[ScanRecord], warnings: Sequence[str] = ()
) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scans.jsonl").write_text("".join(f"{scan.to_json()}\n" for scan in scans))
    (folder / "warnings.json").write_text(json.dumps({"warnings": list(warnings)}))
    return str(folder)


def write_history(folder: Path, epochs: int = 3, **more: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "epoch": n,
            "loss": 1 / n,
            "dice": 0.875 - 0.5 / n,
            "monitor_dice": 0.625 - 0.5 / n,
            "seconds": 2.0,
            "rate": 1e-3,
        }
        for n in range(1, epochs + 1)
    ]
    facts = {
        "epochs": rows,
        "kept_epoch": epochs - 1,
        "monitor_patients": ["p1", "p2"],
        "parameters": 1234567,
        "precision": "float32",
        **more,
    }
    (folder / "history.json").write_text(json.dumps(facts))
    return str(folder)


def write_run(
    folder: Path,
    scans: Sequence[MadeScan],
    *,
    more: Sequence[ScanRecord] = (),
    passed: bool = True,
) -> ReportInputs:
    """All that the report reads, for a model that passed or missed its one criterion."""
    for scan in scans:
        write_judged(folder, scan)
    figures: MadeFigures = {
        (): {"pooled_dice_gap": 0.05},
        ("train",): {"pooled_dice": 0.8, "mean_slice_dice": 0.7},
        ("eval",): {
            **{"pooled_dice": 0.75, "pooled_dice_lower": 0.625, "pooled_dice_upper": 0.875},
            **{"mean_slice_dice": 0.65, "patients": 1.0, "nodules": 2.0},
        },
        ("eval", "8-15"): {"pooled_dice": 0.7, "patients": 1.0, "nodules": 1.0},
    }
    config = eval_config(PASSED if passed else MISSED)
    blessing = folder / "blessing"
    blessing.mkdir(parents=True)
    (blessing / ("BLESSED" if passed else "NOT_BLESSED")).touch()
    return ReportInputs(
        examples={
            split: str(folder / "examples" / f"Split-{split}")
            for scan in scans
            for split in (scan.split, features.index_split(scan.split))
        },
        rows={scan.split: str(folder / "rows" / f"Split-{scan.split}") for scan in scans},
        predictions=str(folder / "predictions"),
        model_run=write_history(folder / "model_run"),
        evaluation=write_evaluation(folder / "evaluation", config, figures, passed),
        blessing=str(blessing),
        scans=write_scan_records(folder / "scans", [*(scan.record() for scan in scans), *more]),
    )
