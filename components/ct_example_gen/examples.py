"""From slices to serialized tf.Examples."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components.ct_example_gen.inventory import ScanTask
from lungct.slices import SliceRecord
from schema import features


def slice_example(record: SliceRecord, task: ScanTask, facts: Mapping[str, float]) -> bytes:
    """Serializes one slice, the same bytes for the same slice always.

    Args:
        record: The slice: HU int16 (y, x, channel), coverage and lung uint8 (y, x).
        task: The scan that it is from.
        facts: The numbers about the scan, by feature name.

    Returns:
        A serialized tf.Example.
    """
    nodules = record.nodules
    buckets = sorted({nodule.bucket for nodule in nodules}) or [features.BUCKET_NONE]
    feature = {
        features.IMAGE_HU: _bytes(np.ascontiguousarray(record.hu, dtype="<i2").tobytes()),
        features.NODULE_COVERAGE: _bytes(record.coverage.astype(np.uint8).tobytes()),
        features.LUNG_MASK: _bytes(record.lung.astype(np.uint8).tobytes()),
        features.SERIES_UID: _bytes(task.series_uid.encode()),
        features.PATIENT_ID: _bytes(task.patient_id.encode()),
        features.SPLIT: _bytes(task.split.encode()),
        features.SLICE_INDEX: tf.train.Feature(int64_list=tf.train.Int64List(value=[record.index])),
        features.SLICE_ORIGIN_MM: _floats(record.origin_mm),
        features.NODULE_IDS: _bytes(*(nodule.nodule_id.encode() for nodule in nodules)),
        features.NODULE_DIAMETERS_MM: _floats(nodule.diameter_mm for nodule in nodules),
        features.SIZE_BUCKETS: _bytes(*(bucket.encode() for bucket in buckets)),
        **{name: _floats([value]) for name, value in facts.items()},
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _bytes(*values: bytes) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: Iterable[float]) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
