"""From slices to serialized tf.Examples."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from lungct.record import ScanRecord
from lungct.slices import SliceRecord
from schema import features


def slice_example(record: SliceRecord, scan: ScanRecord) -> bytes:
    """Serializes one slice, the same bytes for the same slice always.

    Args:
        record: The slice: HU int16 (y, x, channel), coverage and region uint8 (y, x).
        scan: The scan that it is from.

    Returns:
        A serialized tf.Example.
    """
    nodules = record.nodules
    buckets = sorted({nodule.bucket for nodule in nodules}) or [features.BUCKET_NONE]
    feature = {
        features.IMAGE_HU: _bytes(np.ascontiguousarray(record.hu, dtype="<i2").tobytes()),
        features.NODULE_COVERAGE: _bytes(record.coverage.astype(np.uint8).tobytes()),
        features.REGION_MASK: _bytes(record.region.astype(np.uint8).tobytes()),
        features.SERIES_UID: _bytes(scan.series_uid.encode()),
        features.PATIENT_ID: _bytes(scan.patient_id.encode()),
        features.SOURCE: _bytes(scan.source.encode()),
        features.SPLIT: _bytes(scan.split.encode()),
        features.SLICE_INDEX: tf.train.Feature(int64_list=tf.train.Int64List(value=[record.index])),
        features.SLICE_ORIGIN_MM: _floats(record.origin_mm),
        features.NODULE_IDS: _bytes(*(nodule.nodule_id.encode() for nodule in nodules)),
        features.NODULE_DIAMETERS_MM: _floats(nodule.diameter_mm for nodule in nodules),
        features.SIZE_BUCKETS: _bytes(*(bucket.encode() for bucket in buckets)),
        **{name: _floats([value]) for name, value in scan.facts().items()},
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _bytes(*values: bytes) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: Iterable[float]) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
