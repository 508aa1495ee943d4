"""A small made-up run for the report's tests: slices, scan records, model, evaluation, history."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lungct.record import NoduleRecord, ScanRecord
from report.build import ReportInputs, ReportParameters
from schema import features
from tests.components.made_evaluation import MadeFigures, at_least, eval_config, write_evaluation

SPACING_MM = (2.5, 2.0, 1.0)  # (z, y, x)
SIZE = 64
GRID = {"spacing_mm": list(SPACING_MM), "slice_size": SIZE}
CONFIGURATION = json.dumps({"name": "made-up run", "grid": GRID})
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
    slices: int = 12
    size: int = SIZE
    spacing_mm: tuple[float, float, float] = SPACING_MM
    origin_mm: tuple[float, float, float] = (-30.0, -60.0, -100.0)
    phantom: bool = True

    def world(self, zyx: tuple[int, int, int]) -> tuple[float, float, float]:
        axes = zip(self.origin_mm, zyx[::-1], self.spacing_mm[::-1], strict=True)
        x, y, z = (origin + index * step for origin, index, step in axes)
        return x, y, z

    def ball(self, nodule: MadeNodule) -> np.ndarray[Any, Any]:
        """bool (z, y, x): voxels whose centre is within the radius."""
        grid = np.indices((self.slices, self.size, self.size)).transpose(1, 2, 3, 0)
        away_mm = (grid - np.array(nodule.zyx)) * np.array(self.spacing_mm)
        inside: np.ndarray[Any, Any] = (away_mm**2).sum(-1) <= (nodule.diameter_mm / 2) ** 2
        return inside

    def truth(self) -> np.ndarray[Any, Any]:
        balls = [self.ball(nodule) for nodule in self.nodules]
        empty = np.zeros((self.slices, self.size, self.size), bool)
        return np.any([empty, *balls], axis=0)

    def examples(self) -> list[bytes]:
        truth = self.truth()
        cut = {one.nodule_id: self.ball(one).any((1, 2)) for one in self.nodules}
        return [
            made_example(self, z, truth[z], tuple(name for name, at in cut.items() if at[z]))
            for z in range(self.slices)
        ]

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
            slice_count=self.slices,
        )
        return replace(known, **changed)


def chest(size: int, seed: int) -> np.ndarray[Any, Any]:
    """int16 (y, x) HU: a body with two lungs and some noise."""
    y, x = np.indices((size, size)) / size - 0.5
    hu = np.full((size, size), -1000.0)
    hu[(x / 0.46) ** 2 + (y / 0.36) ** 2 < 1] = 40
    hu[lungs(size)] = -850
    return (hu + np.random.default_rng(seed).normal(0, 30, hu.shape)).astype(np.int16)


def lungs(size: int) -> np.ndarray[Any, Any]:
    y, x = np.indices((size, size)) / size - 0.5
    inside: np.ndarray[Any, Any] = ((abs(x) - 0.21) / 0.17) ** 2 + (y / 0.27) ** 2 < 1
    return inside


def made_example(
    scan: MadeScan, z: int, truth: np.ndarray[Any, Any], ids: tuple[str, ...], channels: int = 3
) -> bytes:
    hu = np.where(truth, np.int16(30), chest(scan.size, z))
    image = np.repeat(hu[..., None], channels, -1)
    x, y, bottom = scan.origin_mm
    values: dict[str, list[bytes]] = {
        features.IMAGE_HU: [image.astype("<i2").tobytes()],
        features.NODULE_COVERAGE: [np.where(truth, 255, 0).astype(np.uint8).tobytes()],
        features.REGION_MASK: [lungs(scan.size).astype(np.uint8).tobytes()],
        features.SERIES_UID: [scan.series_uid.encode()],
        features.NODULE_IDS: [name.encode() for name in ids],
    }
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
        for name, value in values.items()
    }
    feature[features.SLICE_INDEX] = tf.train.Feature(int64_list=tf.train.Int64List(value=[z]))
    feature[features.SLICE_ORIGIN_MM] = tf.train.Feature(
        float_list=tf.train.FloatList(value=[x, y, bottom + z * scan.spacing_mm[0]])
    )
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString()
    return serialized


def write_slices(path: Path, examples: Sequence[bytes]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in examples:
            writer.write(example)
    return str(path)


class ShiftedTruth(tf.Module):
    """A model that predicts the truth some columns to the right, so that its Dice is known."""

    def __init__(self, size: int = SIZE, columns: int = 1) -> None:
        super().__init__()
        self.size, self.columns = size, columns

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=features.INPUT_EXAMPLES)])
    def segment(self, examples: Any) -> dict[str, Any]:
        spec = {features.NODULE_COVERAGE: tf.io.FixedLenFeature([], tf.string)}
        raw = tf.io.parse_example(examples, spec)[features.NODULE_COVERAGE]
        pixels = tf.reshape(tf.io.decode_raw(raw, tf.uint8), [-1, self.size, self.size])
        return {
            features.OUTPUT_PROBABILITY: tf.roll(tf.cast(pixels, tf.float32) / 255, self.columns, 2)
        }


def save_model(folder: Path, size: int = SIZE, columns: int = 1) -> str:
    model = ShiftedTruth(size, columns)
    tf.saved_model.save(model, str(folder), {features.SIGNATURE_EXAMPLES: model.segment})
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
        "best_epoch": epochs - 1,
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
        path = folder / "examples" / f"Split-{scan.split}" / f"{scan.series_uid}.gz"
        write_slices(path, scan.examples())
    figures: MadeFigures = {
        ("train",): {"pooled_dice": 0.8, "mean_slice_dice": 0.7},
        ("eval",): {"pooled_dice": 0.75, "mean_slice_dice": 0.65},
        ("eval", "8-15"): {"pooled_dice": 0.7},
    }
    config = eval_config(PASSED if passed else MISSED)
    blessing = folder / "blessing"
    blessing.mkdir(parents=True)
    (blessing / ("BLESSED" if passed else "NOT_BLESSED")).touch()
    return ReportInputs(
        examples={
            split: str(folder / "examples" / f"Split-{split}")
            for split in dict.fromkeys(scan.split for scan in scans)
        },
        model=save_model(folder / "model", scans[0].size),
        model_run=write_history(folder / "model_run"),
        evaluation=write_evaluation(folder / "evaluation", config, figures, passed),
        blessing=str(blessing),
        scans=write_scan_records(folder / "scans", [*(scan.record() for scan in scans), *more]),
    )
