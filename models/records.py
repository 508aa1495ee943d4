"""Reading the slices of a split.

One file holds one scan. Slices are never all in memory: a first pass reads a few short features of
each into an index, and `stream` reads the pixels of the slices that it is given.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from schema import features

KEY = "key"  # beside the pixels: which slice they are of
_READERS = 8  # files open at a time; each holds only a few records
_BUCKETS = (*features.BUCKETS, features.BUCKET_NONE)
_LABEL_SPEC = {
    features.PATIENT_ID: tf.io.FixedLenFeature([1], tf.string),
    features.SERIES_UID: tf.io.FixedLenFeature([1], tf.string),
    features.SLICE_INDEX: tf.io.FixedLenFeature([1], tf.int64),
    features.SIZE_BUCKETS: tf.io.VarLenFeature(tf.string),
}
_PIXEL_SPEC = {name: tf.io.FixedLenFeature([1], tf.string) for name in features.PIXEL_FEATURES}


@dataclass(frozen=True)
class SliceReference:
    """Where a slice is from and whether it cuts a nodule.

    Attributes:
        file: The file of examples that holds it.
        patient: Its patient.
        key: Series and slice index.
        bucket: Size of the smallest nodule that it cuts, or BUCKET_NONE.
    """

    file: str
    patient: str
    key: str
    bucket: str

    @property
    def nodule(self) -> bool:
        """Whether it cuts a nodule."""
        return self.bucket != features.BUCKET_NONE


def find_files(patterns: Sequence[str]) -> list[str]:
    """Record files that match, sorted.

    Raises:
        ValueError: None matches.
    """
    files = sorted(itertools.chain.from_iterable(tf.io.gfile.glob(item) for item in patterns))
    if not files:
        raise ValueError(f"expected files of slices, got none for {list(patterns)!r}")
    return files


def read_index(files: Sequence[str]) -> list[SliceReference]:
    """Reads file, patient, key and bucket of each slice, always in the same order."""
    batches = _records(files).batch(64).map(_parse_labels).prefetch(2)
    return [
        SliceReference(file.decode(), patient.decode(), key.decode(), _BUCKETS[rank])
        for labels in batches.as_numpy_iterator()
        for file, patient, key, rank in zip(*labels, strict=True)
    ]


def stream(slices: Sequence[SliceReference]) -> tf.data.Dataset:
    """The raw pixels of the slices named, as dicts of scalar bytes by feature name and KEY.

    Only the files that hold them are read. The order is that of the files, not that of `slices`.
    """
    keys = tf.constant([item.key for item in slices] or [""], tf.string)  # a table needs one
    initializer = tf.lookup.KeyValueTensorInitializer(keys, tf.ones(tf.shape(keys), tf.int64))
    wanted = tf.lookup.StaticHashTable(initializer, default_value=0)
    records = _records(sorted({item.file for item in slices}))
    named = records.filter(lambda _, record: wanted.lookup(_key_of(record)) > 0)
    return named.map(_parse_pixels, num_parallel_calls=2, deterministic=True)


def _records(files: Sequence[str]) -> tf.data.Dataset:
    """(file, serialized example); several files at a time, in an order that is always the same."""

    def read(file: Any) -> tf.data.Dataset:
        """Records of one file beside its name."""
        records = tf.data.TFRecordDataset(file, compression_type="GZIP")
        return records.map(lambda record: (file, record))

    names = tf.data.Dataset.from_tensor_slices(tf.constant(list(files), tf.string))
    return names.interleave(read, cycle_length=_READERS, num_parallel_calls=2, deterministic=True)


def _parse_labels(file: Any, serialized: Any) -> tuple[Any, Any, Any, Any]:
    """Files, patients, keys and the place in `_BUCKETS` of the smallest nodule, of a batch."""
    parsed = tf.io.parse_example(serialized, _LABEL_SPEC)
    buckets = tf.sparse.to_dense(parsed[features.SIZE_BUCKETS], default_value="")
    present = tf.reduce_any(buckets[..., None] == tf.constant(_BUCKETS), axis=1)
    rank = tf.argmax(tf.cast(present, tf.int32), axis=1)  # the first that is present
    return file, parsed[features.PATIENT_ID][:, 0], _keys(parsed), rank


def _keys(parsed: dict[str, Any]) -> Any:
    index = tf.strings.as_string(parsed[features.SLICE_INDEX][..., 0])
    return parsed[features.SERIES_UID][..., 0] + "/" + index


def _key_of(serialized: Any) -> Any:
    spec = {name: _LABEL_SPEC[name] for name in (features.SERIES_UID, features.SLICE_INDEX)}
    return _keys(tf.io.parse_single_example(serialized, spec))


def _parse_pixels(_: Any, serialized: Any) -> dict[str, Any]:
    parsed = tf.io.parse_single_example(serialized, _PIXEL_SPEC)
    return {KEY: _key_of(serialized), **{name: value[0] for name, value in parsed.items()}}
