"""The split that training reads: the folder of its scans, and the index of their slices."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from schema import features
from schema.hyperparameters import Hyperparameters
from schema.slices import IndexRow, read_index


@dataclass(frozen=True)
class TrainingSplit:
    """One split, ready to be read.

    Attributes:
        folder: Folder of the files of its scans.
        index: Its slices, ordered by series and z.
        transform: The TFT layer, from HU to network input.
        settings: All hyperparameters.
    """

    folder: str
    index: Sequence[IndexRow]
    transform: Any
    settings: Hyperparameters


def read_split(patterns: Sequence[str], transform: Any, settings: Hyperparameters) -> TrainingSplit:
    """Reads the index of a split.

    Args:
        patterns: What TFX names as files of the split and of its index, such as
            `…/Split-train/*` and `…/Split-train-index/*`, in any order.
        transform: The TFT layer.
        settings: All hyperparameters.

    Raises:
        ValueError: The patterns are not those of one split and its index, or it has no slice.
    """
    folder, index_pattern = _split_and_index(patterns)
    paths = sorted(tf.io.gfile.glob(index_pattern))
    index = read_index(paths) if paths else []
    if not index:
        raise ValueError(f"expected an index of slices, got {len(paths)} files in {index_pattern}")
    return TrainingSplit(folder, index, transform, settings)


def cuts_nodule(row: IndexRow) -> bool:
    """Whether a slice cuts a nodule."""
    return any(bucket in features.BUCKETS for bucket in row.buckets)


def smallest_bucket(row: IndexRow) -> str:
    """Size of the smallest nodule that a slice cuts, or BUCKET_NONE."""
    return next((name for name in features.BUCKETS if name in row.buckets), features.BUCKET_NONE)


def _split_and_index(patterns: Sequence[str]) -> tuple[str, str]:
    """The folder of a split and the pattern of its index."""
    folders = {os.path.dirname(pattern): pattern for pattern in patterns}
    found = [name for name in folders if features.index_split(name) in folders]
    if len(found) != 1:
        raise ValueError(f"expected patterns of a split and its index, got {list(patterns)!r}")
    return found[0], folders[features.index_split(found[0])]
