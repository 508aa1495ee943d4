"""The slices of a split: what files hold, who is held out for early stopping, and streams.

One file holds one scan. Slices are never all in memory: an index pass reads two short features
of each, everything else streams.
"""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from schema import features

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
    """Where a slice is from and whether it cuts a nodule."""

    patient: str
    key: str  # series and slice index
    bucket: str  # size of the smallest nodule it cuts, or BUCKET_NONE

    @property
    def nodule(self) -> bool:
        """Whether it cuts a nodule."""
        return self.bucket != features.BUCKET_NONE


@dataclass(frozen=True)
class Holdout:
    """What is kept from training so that early stopping looks at unseen slices.

    Either whole patients are held out, or, where the split has one patient only, single slices.
    """

    patients: tuple[str, ...]  # held out as a whole
    nodule_keys: tuple[str, ...]  # slices with nodules to predict after each epoch
    other_keys: tuple[str, ...]  # slices without
    other_weight: float  # slices without nodule that each of `other_keys` stands for

    @property
    def keys(self) -> tuple[str, ...]:
        """All slices to predict, those with nodules first."""
        return self.nodule_keys + self.other_keys


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
    """Reads of each slice who and where it is, in the order of the files."""
    batches = _records(files).batch(64).map(_parse_labels).prefetch(2)
    return [
        SliceReference(patient.decode(), key.decode(), _BUCKETS[rank])
        for labels in batches.as_numpy_iterator()
        for patient, key, rank in zip(*labels, strict=True)
    ]


def choose_holdout(index: Sequence[SliceReference], fraction: float, most: int) -> Holdout:
    """Chooses the patients for early stopping, and which of their slices to predict.

    Patients are taken in the order of a hash of their id, so the choice stays when others join,
    until they are `fraction` of all and one has a nodule. With one patient alone, every n-th of
    its slices is taken instead; such a monitor is optimistic, as neighbours were trained on.

    Args:
        index: Slices of the train split.
        fraction: Share of the patients.
        most: Slices to predict at most; nodule slices come first, but a third is for others.

    Raises:
        ValueError: No slice of the split cuts a nodule.
    """
    if not any(item.nodule for item in index):
        raise ValueError(f"expected a nodule in the train split, got none in {len(index)} slices")
    patients = _monitor_patients(index, fraction)
    if patients:
        pool = [item for item in index if item.patient in patients]
        return _choose_slices(pool, patients, most)
    step = max(2, round(1 / fraction))
    nodules = [item for item in index if item.nodule][::step]
    others = [item for item in index if not item.nodule][::step]
    return _choose_slices(nodules + others, (), most)


def is_held_out(item: SliceReference, holdout: Holdout) -> bool:
    """Whether training must not see this slice."""
    return item.patient in holdout.patients or item.key in holdout.keys


def stream(files: Sequence[str], keys: Iterable[str]) -> tf.data.Dataset:
    """The raw pixels of the slices named, as dicts of scalar bytes by feature name."""
    wanted = _key_table(keys)
    serialized = _records(files).filter(lambda record: wanted.lookup(_key_of(record)) > 0)
    return serialized.map(_parse_pixels, num_parallel_calls=2, deterministic=True)


def _monitor_patients(index: Sequence[SliceReference], fraction: float) -> tuple[str, ...]:
    """Patients to hold out; none when that would leave no nodule to learn from."""
    with_nodules = {item.patient for item in index if item.nodule}
    ordered = sorted({item.patient for item in index}, key=_hash)
    chosen = set(ordered[: max(1, round(fraction * len(ordered)))])
    if not chosen & with_nodules:
        chosen.add(next(patient for patient in ordered if patient in with_nodules))
    while chosen >= with_nodules:
        chosen.remove(max(chosen & with_nodules, key=_hash))
        if not chosen & with_nodules:
            return ()
    return tuple(sorted(chosen))


def _choose_slices(pool: Sequence[SliceReference], patients: tuple[str, ...], most: int) -> Holdout:
    nodules = [item.key for item in pool if item.nodule]
    others = [item.key for item in pool if not item.nodule]
    room = max(most - len(nodules), most // 3, 1)
    kept = _evenly(others, room)
    return Holdout(
        patients=patients,
        nodule_keys=_evenly(nodules, max(most - len(kept), 1)),
        other_keys=kept,
        other_weight=len(others) / len(kept) if kept else 0.0,
    )


def _evenly(keys: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many of the keys, spread evenly over the sequence."""
    if len(keys) <= most:
        return tuple(keys)
    return tuple(keys[int(number * len(keys) / most)] for number in range(most))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _records(files: Sequence[str]) -> tf.data.Dataset:
    """Serialized examples; several files at a time, in an order that is always the same."""
    return tf.data.Dataset.from_tensor_slices(list(files)).interleave(
        lambda name: tf.data.TFRecordDataset(name, compression_type="GZIP"),
        cycle_length=_READERS,
        num_parallel_calls=2,
        deterministic=True,
    )


def _parse_labels(serialized: Any) -> tuple[Any, Any, Any]:
    """Patients, keys and the place in `_BUCKETS` of the smallest nodule, of a batch."""
    parsed = tf.io.parse_example(serialized, _LABEL_SPEC)
    buckets = tf.sparse.to_dense(parsed[features.SIZE_BUCKETS], default_value="")
    present = tf.reduce_any(buckets[..., None] == tf.constant(_BUCKETS), axis=1)
    rank = tf.argmax(tf.cast(present, tf.int32), axis=1)  # the first that is present
    return parsed[features.PATIENT_ID][:, 0], _keys(parsed), rank


def _keys(parsed: dict[str, Any]) -> Any:
    index = tf.strings.as_string(parsed[features.SLICE_INDEX][..., 0])
    return parsed[features.SERIES_UID][..., 0] + "/" + index


def _key_of(serialized: Any) -> Any:
    spec = {name: _LABEL_SPEC[name] for name in (features.SERIES_UID, features.SLICE_INDEX)}
    return _keys(tf.io.parse_single_example(serialized, spec))


def _key_table(keys: Iterable[str]) -> tf.lookup.StaticHashTable:
    names = tf.constant(list(keys), tf.string)
    values = tf.ones(tf.shape(names), tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(names, values), 0)


def _parse_pixels(serialized: Any) -> dict[str, Any]:
    parsed = tf.io.parse_single_example(serialized, _PIXEL_SPEC)
    return {name: value[0] for name, value in parsed.items()}
