"""From slices to serialized tf.Examples: with their pixels, and as rows of the index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from lungct.intensity import intensity_sums
from lungct.record import ScanRecord
from lungct.slices import SliceRecord
from schema import features
from schema.hyperparameters import Intensity
from schema.pixels import pack


@dataclass(frozen=True)
class SliceExample:
    """One slice, the same bytes for the same slice always.

    Attributes:
        record: A serialized tf.Example with pixels.
        facts: The features of the same slice without pixels.
    """

    record: bytes
    facts: Mapping[str, Any]

    def row(self, offset: int, size: int) -> bytes:
        """The slice in the index.

        Args:
            offset: First byte of its record in the file of the scan.
            size: Bytes of its record there, frame included.

        Returns:
            A serialized tf.Example without pixels.
        """
        place = {features.RECORD_OFFSET: _ints(offset), features.RECORD_BYTES: _ints(size)}
        return _serialized({**self.facts, **place})


def slice_example(record: SliceRecord, scan: ScanRecord, intensity: Intensity) -> SliceExample:
    """Serializes one slice.

    Args:
        record: The slice: HU int16, coverage and region uint8, each (y, x).
        scan: The scan that it is from.
        intensity: The window of the sums that normalisation is learnt from.

    Returns:
        The slice with and without its pixels.
    """
    facts = {**_measured(record, intensity), **_origin(record, scan), **_nodules(record)}
    pixels = {
        features.IMAGE_HU: _bytes(pack(record.hu)),
        features.NODULE_COVERAGE: _bytes(pack(record.coverage)),
        features.REGION_MASK: _bytes(pack(record.region)),
    }
    return SliceExample(_serialized({**facts, **pixels}), facts)


def _measured(record: SliceRecord, intensity: Intensity) -> dict[str, Any]:
    """Size of a slice and what its HU sum up to."""
    rows, columns = record.hu.shape
    sums = intensity_sums(record.hu, record.region, intensity.window_hu)
    return {
        features.ROWS: _ints(rows),
        features.COLUMNS: _ints(columns),
        features.INTENSITY_COUNT: _ints(sums.count),
        features.INTENSITY_SUM: _ints(sums.total),
        features.INTENSITY_SQUARES: _ints(sums.squares),
        features.HU: _floats([float(np.mean(record.hu))]),
    }


def _origin(record: SliceRecord, scan: ScanRecord) -> dict[str, Any]:
    """Where a slice is from."""
    return {
        features.SERIES_UID: _bytes(scan.series_uid.encode()),
        features.PATIENT_ID: _bytes(scan.patient_id.encode()),
        features.SOURCE: _bytes(scan.source.encode()),
        features.SPLIT: _bytes(scan.split.encode()),
        features.SLICE_INDEX: _ints(record.index),
        features.SLICE_ORIGIN_MM: _floats(record.origin_mm),
        **{name: _floats([value]) for name, value in scan.facts().items()},
    }


def _nodules(record: SliceRecord) -> dict[str, Any]:
    """The nodules that a slice cuts."""
    nodules = record.nodules
    buckets = sorted({nodule.bucket for nodule in nodules}) or [features.BUCKET_NONE]
    return {
        features.NODULE_IDS: _bytes(*(nodule.nodule_id.encode() for nodule in nodules)),
        features.NODULE_DIAMETERS_MM: _floats(nodule.diameter_mm for nodule in nodules),
        features.SIZE_BUCKETS: _bytes(*(bucket.encode() for bucket in buckets)),
    }


def _serialized(feature: Mapping[str, Any]) -> bytes:
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _ints(*values: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _bytes(*values: bytes) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: Iterable[float]) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
