"""Small made-up splits for the tests: scans with balls, and a transform graph."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from models.preprocessing import preprocessing_fn
from schema import features
from schema.files import DATA_FILE
from schema.model_facts import DataFacts
from tests.made_scans import MadeScan, write_scan

ROWS, COLUMNS = 32, 40
CONFIG: dict[str, Any] = {
    "grid": {"spacing_mm": [2.5, 1.5, 1.5], "context": 1},
    "intensity": {"window_hu": [-1000, 400]},
    "model": {"base_filters": 4, "levels": 3, "dropout": 0.1},
    "training": {
        "epochs": 3,
        "steps_per_epoch": 4,
        "batch_size": 4,
        "crop_size": 16,
        "patience": 5,
        "monitor_fraction": 0.3,
        "mixed_precision": "float32",
    },
    "probability_threshold": 0.5,
}


def changed(section: str, **values: Any) -> dict[str, Any]:
    """The configuration with other values in one section."""
    config = copy.deepcopy(CONFIG)
    config[section].update(values)
    return config


# A mean and a deviation that nobody would guess: 0.1 and 0.2 of the window.
MEAN_HU, DEVIATION_HU = -860.0, 280.0
DATA_FACTS = DataFacts(("balls",), ("everywhere",), "a" * 64, "b" * 64)
_NUMBERS = (features.INTENSITY_COUNT, features.INTENSITY_SUM, features.INTENSITY_SQUARES)
_RAW_SPEC = {
    features.HU: tf.io.FixedLenFeature([1], tf.float32),
    **{name: tf.io.FixedLenFeature([1], tf.int64) for name in _NUMBERS},
}


def make_scan(
    name: str, slices: int = 6, nodules: Sequence[tuple[int, float]] = ((1, 6.0),), **more: Any
) -> MadeScan:
    """A noisy scan of one patient; a ball lies around each of the slices named, of so many mm."""
    random = np.random.default_rng([slices, *name.encode()])
    hu = random.normal(-850, 30, (slices, ROWS, COLUMNS))
    coverage = np.zeros(hu.shape)
    found = []
    for number, (middle, diameter_mm) in enumerate(nodules):
        row, column = random.integers(6, ROWS - 6), random.integers(6, COLUMNS - 6)
        ball = _ball(hu.shape, (middle, int(row), int(column)), diameter_mm)
        coverage = np.maximum(coverage, ball)
        cut = np.flatnonzero((np.rint(ball * 255) >= features.COVERAGE_THRESHOLD).any(axis=(1, 2)))
        found.append((f"{name}-{number}", diameter_mm, tuple(int(z) for z in cut)))
    hu += 900 * coverage
    return MadeScan(
        uid=f"series-{name}",
        hu=np.rint(hu).astype(np.int16),
        coverage=np.rint(255 * coverage).astype(np.uint8),
        nodules=tuple(found),
        patient=name,
        **more,
    )


def write_split(examples: Path, patients: int, slices: int = 6) -> str:
    """One scan per patient, two nodules in each; returns the folder of the Examples artifact."""
    for number in range(patients):
        write_scan(examples, make_scan(f"patient{number}", slices, ((1, 6.0), (slices - 2, 4.0))))
    (examples / DATA_FILE).write_text(DATA_FACTS.to_json())
    return str(examples)


def train_patterns(examples: str) -> list[str]:
    """What TFX's Trainer names as `train_files`: the split and its index."""
    names = (features.SPLIT_TRAIN, features.index_split(features.SPLIT_TRAIN))
    return [f"{examples}/Split-{name}/*" for name in names]


def analyse(directory: Path, config: Mapping[str, Any]) -> str:
    """Runs Transform's analysis on two rows; returns the directory of the graph."""
    low, high = config["intensity"]["window_hu"]
    mean, deviation = (MEAN_HU - low), DEVIATION_HU
    rows = [
        {
            features.HU: [MEAN_HU],
            features.INTENSITY_COUNT: [500],
            features.INTENSITY_SUM: [int(500 * mean)],
            features.INTENSITY_SQUARES: [int(500 * (mean**2 + deviation**2))],
        }
    ] * 2
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(_RAW_SPEC))
    with (
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
        tft_beam.Context(temp_dir=str(directory / "temp")),
    ):
        data = pipeline | "Rows" >> beam.Create(rows)
        graph = (data, metadata) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, custom_config=config)
        )
        graph | "Write" >> tft_beam.WriteTransformFn(str(directory / "graph"))
    return str(directory / "graph")


def transform_layer(graph: str) -> Any:
    return tft.TFTransformOutput(graph).transform_features_layer()


def _ball(shape: tuple[int, ...], centre: tuple[int, int, int], diameter_mm: float) -> Any:
    """Covered part of each voxel of a ball, spacing (2.5, 1.5, 1.5) mm, roughly."""
    spacing_mm = (2.5, 1.5, 1.5)
    z, y, x = (
        (np.arange(size) - middle) * mm
        for size, middle, mm in zip(shape, centre, spacing_mm, strict=True)
    )
    distance = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    return np.clip((diameter_mm / 2 - distance) / 1.5 + 0.5, 0, 1)
