"""Scans as CtExampleGen leaves them, made from arrays: the file of a scan, and its index."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema import features
from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.pixels import pack
from schema.tfrecords import FRAME_BYTES, frame

WINDOW_LOW, WINDOW_HIGH = -1000, 400


@dataclass(frozen=True)
class MadeScan:
    """A scan on a working grid.

    `nodules` are ids, diameters in mm and the slices that each cuts; the region is everywhere where
    no mask is given.
    """

    uid: str
    hu: npt.NDArray[np.int16]
    coverage: npt.NDArray[np.uint8]
    nodules: tuple[tuple[str, float, tuple[int, ...]], ...] = ()
    patient: str = ""
    source: str = "made"
    split: str = features.SPLIT_TRAIN
    region: npt.NDArray[np.uint8] | None = None
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def mask(self) -> npt.NDArray[np.uint8]:
        return np.ones_like(self.coverage) if self.region is None else self.region


def write_scan(examples: Path, scan: MadeScan) -> Path:
    """Writes a scan and its index into an Examples artifact; returns the file of the scan."""
    folder = examples / f"Split-{scan.split}"
    index = examples / f"Split-{features.index_split(scan.split)}"
    for place in (folder, index):
        place.mkdir(parents=True, exist_ok=True)
    path, offset = folder / f"{scan.uid}{SCAN_ENDING}", 0
    rows = []
    with path.open("wb") as file:
        for z in range(len(scan.hu)):
            facts = _facts(scan, z)
            record = _serialized({**facts, **_pixels(scan, z)})
            file.write(b"".join(frame(record)))
            size = len(record) + FRAME_BYTES
            place_of = {features.RECORD_OFFSET: [offset], features.RECORD_BYTES: [size]}
            rows.append(_serialized({**facts, **place_of}))
            offset += size
    with tf.io.TFRecordWriter(str(index / f"{scan.uid}{INDEX_ENDING}"), "GZIP") as writer:
        for row in rows:
            writer.write(row)
    return path


def bucket(diameter_mm: float) -> str:
    from lungct.scan import size_bucket

    return size_bucket(diameter_mm)


def _facts(scan: MadeScan, z: int) -> dict[str, Sequence[Any]]:
    cut = [(name, mm) for name, mm, slices in scan.nodules if z in slices]
    buckets = sorted({bucket(mm) for _, mm in cut}) or [features.BUCKET_NONE]
    held = scan.hu[z][scan.mask[z] > 0].astype(np.int64)
    above = np.clip(held, WINDOW_LOW, WINDOW_HIGH) - WINDOW_LOW
    return {
        features.SERIES_UID: [scan.uid.encode()],
        features.PATIENT_ID: [(scan.patient or scan.uid).encode()],
        features.SOURCE: [scan.source.encode()],
        features.SPLIT: [scan.split.encode()],
        features.SLICE_INDEX: [z],
        features.SLICE_ORIGIN_MM: [*scan.origin_mm[:2], scan.origin_mm[2] + 2.5 * z],
        features.ROWS: [scan.hu.shape[1]],
        features.COLUMNS: [scan.hu.shape[2]],
        features.INTENSITY_COUNT: [len(above)],
        features.INTENSITY_SUM: [int(above.sum())],
        features.INTENSITY_SQUARES: [int((above**2).sum())],
        features.HU: [float(scan.hu[z].mean())],
        features.NODULE_IDS: [name.encode() for name, _ in cut],
        features.NODULE_DIAMETERS_MM: [mm for _, mm in cut],
        features.SIZE_BUCKETS: [name.encode() for name in buckets],
    }


def _pixels(scan: MadeScan, z: int) -> dict[str, Sequence[Any]]:
    return {
        features.IMAGE_HU: [pack(scan.hu[z])],
        features.NODULE_COVERAGE: [pack(scan.coverage[z])],
        features.REGION_MASK: [pack(scan.mask[z])],
    }


def _serialized(values: dict[str, Sequence[Any]]) -> bytes:
    feature = {name: _feature(name, value) for name, value in values.items()}
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def _feature(name: str, values: Sequence[Any]) -> tf.train.Feature:
    if name in (features.NODULE_IDS, features.SIZE_BUCKETS) or (
        values and isinstance(values[0], bytes)
    ):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if name == features.NODULE_DIAMETERS_MM or isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
