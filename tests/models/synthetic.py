"""Small made-up splits for the tests: slices with discs, as records, and a transform graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from models.preprocessing import preprocessing_fn
from schema import features

SIZE, CHANNELS = 32, 3
CONFIG: dict[str, Any] = {
    "grid": {"spacing_mm": [2.5, 1.5, 1.5], "slice_size": SIZE, "context": 1},
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
RAW_SPEC = {
    features.IMAGE_HU: tf.io.FixedLenFeature([1], tf.string),
    features.NODULE_COVERAGE: tf.io.FixedLenFeature([1], tf.string),
    features.SIZE_BUCKETS: tf.io.VarLenFeature(tf.string),
}


@dataclass(frozen=True)
class MadeSlice:
    """Pixels of one slice and where it is from."""

    patient: str
    index: int
    hu: np.ndarray[Any, Any]  # int16 (H, W, C)
    coverage: np.ndarray[Any, Any]  # uint8 (H, W)
    buckets: tuple[str, ...]

    def example(self) -> bytes:
        region = np.ones((SIZE, SIZE), np.uint8)
        values = {
            features.IMAGE_HU: [self.hu.astype("<i2").tobytes()],
            features.NODULE_COVERAGE: [self.coverage.tobytes()],
            features.REGION_MASK: [region.tobytes()],
            features.SERIES_UID: [f"series-{self.patient}".encode()],
            features.PATIENT_ID: [self.patient.encode()],
            features.SPLIT: [b"eval"],
            features.SIZE_BUCKETS: [bucket.encode() for bucket in self.buckets],
        }
        feature = {name: _bytes(value) for name, value in values.items()}
        feature[features.SLICE_INDEX] = tf.train.Feature(
            int64_list=tf.train.Int64List(value=[self.index])
        )
        return bytes(
            tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
        )


def make_slice(patient: str, index: int, radius: float) -> MadeSlice:
    """A noisy slice; with a radius above 0 a bright disc lies somewhere in it."""
    random = np.random.default_rng([index, *patient.encode()])
    hu = random.normal(-850, 30, (SIZE, SIZE, CHANNELS))
    row, column = random.integers(6, SIZE - 6, 2)
    y, x = np.mgrid[:SIZE, :SIZE]
    inside = np.clip(radius + 0.5 - np.hypot(y - row, x - column), 0, 1) * (radius > 0)
    hu += 900 * inside[..., None]
    buckets = ("6-8",) if radius > 0 else (features.BUCKET_NONE,)
    coverage = np.round(255 * inside).astype(np.uint8)
    return MadeSlice(patient, index, np.round(hu).astype(np.int16), coverage, buckets)


def make_scan(patient: str, slices: int, with_nodule: Sequence[int]) -> list[MadeSlice]:
    """Slices of one patient; those listed have a disc."""
    return [make_slice(patient, i, 4.0 if i in with_nodule else 0.0) for i in range(slices)]


def write_records(path: Path, slices: Sequence[MadeSlice]) -> str:
    """One gz file as the example generator writes it."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for item in slices:
            writer.write(item.example())
    return str(path)


def write_split(directory: Path, patients: int, slices: int = 6) -> str:
    """One scan per patient, a third of its slices with a nodule; returns the pattern."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(patients):
        scan = make_scan(f"patient{number}", slices, range(0, slices, 3))
        write_records(directory / f"scan-{number}.gz", scan)
    return str(directory / "*")


def analyse(slices: Sequence[MadeSlice], directory: Path, config: Mapping[str, Any]) -> str:
    """Runs Transform's analysis on the slices; returns the directory of the graph."""
    raw = [
        {
            features.IMAGE_HU: [item.hu.astype("<i2").tobytes()],
            features.NODULE_COVERAGE: [item.coverage.tobytes()],
            features.SIZE_BUCKETS: [bucket.encode() for bucket in item.buckets],
        }
        for item in slices
    ]
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(RAW_SPEC))
    with beam_pipeline() as pipeline, tft_beam.Context(temp_dir=str(directory / "temp")):
        data = pipeline | "Slices" >> _create(raw)
        graph = (data, metadata) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, custom_config=config)
        )
        graph | "Write" >> tft_beam.WriteTransformFn(str(directory / "graph"))
    return str(directory / "graph")


def transform_layer(graph: str) -> Any:
    return tft.TFTransformOutput(graph).transform_features_layer()


def beam_pipeline() -> Any:
    import apache_beam as beam

    return beam.Pipeline(runner=FnApiRunner())


def _create(rows: list[dict[str, Any]]) -> Any:
    import apache_beam as beam

    return beam.Create(rows)


def _bytes(values: list[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
