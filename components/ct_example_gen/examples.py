"""Slices as tf.Examples: with pixels for the file of a scan, without for its index."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from lungct.intensity import intensity_sums
from lungct.record import ScanRecord
from lungct.slices import SliceRecord
from schema import features
from schema.hyperparameters import Intensity
from schema.pixels import pack

Features = Mapping[str, Any]


def slice_facts(record: SliceRecord, scan: ScanRecord, intensity: Intensity) -> Features:
    """What is said of a slice apart from its pixels.

    Args:
        record: The slice.
        scan: The scan that it is from.
        intensity: The window that the sums for normalisation are over.

    Returns:
        tf.train.Features by name.
    """
    nodules = record.nodules
    buckets = sorted({nodule.bucket for nodule in nodules}) or [features.BUCKET_NONE]
    sums = intensity_sums(record.hu, record.region, intensity.window_hu)
    rows, columns = record.hu.shape
    return {
        features.ROWS: _whole(rows),
        features.COLUMNS: _whole(columns),
        features.INTENSITY_COUNT: _whole(sums.count),
        features.INTENSITY_SUM: _whole(sums.total),
        features.INTENSITY_SQUARES: _whole(sums.squares),
        features.HU: _floats([float(np.mean(record.hu))]),
        features.SERIES_UID: _bytes(scan.series_uid.encode()),
        features.PATIENT_ID: _bytes(scan.patient_id.encode()),
        features.SOURCE: _bytes(scan.source.encode()),
        features.SPLIT: _bytes(scan.split.encode()),
        features.SLICE_INDEX: _whole(record.index),
        features.SLICE_ORIGIN_MM: _floats(record.origin_mm),
        features.NODULE_IDS: _bytes(*(nodule.nodule_id.encode() for nodule in nodules)),
        features.NODULE_DIAMETERS_MM: _floats(nodule.diameter_mm for nodule in nodules),
        features.SIZE_BUCKETS: _bytes(*(bucket.encode() for bucket in buckets)),
        **{name: _floats([value]) for name, value in scan.facts().items()},
    }


def slice_example(record: SliceRecord, facts: Features) -> bytes:
    """Serializes one slice with its pixels, the same bytes for the same slice always.

    Args:
        record: The slice: HU int16, coverage and region uint8, all (y, x).
        facts: What `slice_facts` says of it.

    Returns:
        A serialized tf.Example.
    """
    pixels = {
        features.IMAGE_HU: _bytes(pack(record.hu)),
        features.NODULE_COVERAGE: _bytes(pack(record.coverage)),
        features.REGION_MASK: _bytes(pack(record.region)),
    }
    return _serialized({**facts, **pixels})


def index_example(facts: Features, offset: int, size: int) -> bytes:
    """Serializes what the index says of one slice.

    Args:
        facts: What `slice_facts` says of it.
        offset: First byte of its record in the file of the scan.
        size: Bytes of its record, frame included.

    Returns:
        A serialized tf.Example without pixels.
    """
    place = {features.RECORD_OFFSET: _whole(offset), features.RECORD_BYTES: _whole(size)}
    return _serialized({**facts, **place})


def _serialized(feature: Features) -> bytes:
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _bytes(*values: bytes) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _whole(value: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _floats(values: Iterable[float]) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
