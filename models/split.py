"""The split that is trained on: where its scans are, and the index of their slices."""

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
        folder: Folder of its scans.
        index: Its slices, ordered by series and z.
        transform: The TFT layer, from HU to network input.
        settings: All hyperparameters.
    """

    folder: str
    index: Sequence[IndexRow]
    transform: Any
    settings: Hyperparameters


def has_nodule(row: IndexRow) -> bool:
    """Whether a slice cuts a nodule."""
    return features.BUCKET_NONE not in row.buckets


def read_split(patterns: Sequence[str], transform: Any, settings: Hyperparameters) -> TrainingSplit:
    """Reads the index of a split.

    Args:
        patterns: What TFX's Trainer names: files of the split and of its index, `.../Split-NAME/*`
            and `.../Split-NAME-index/*`.
        transform: The TFT layer.
        settings: All hyperparameters.

    Raises:
        ValueError: No index is among them, or it has no slice.
    """
    folders = [os.path.dirname(pattern) for pattern in patterns]
    found = [(one, two) for one in folders for two in folders if two == features.index_split(one)]
    if len(found) != 1:
        raise ValueError(f"expected one split and its index, got {list(patterns)!r}")
    folder, index_folder = found[0]
    index = read_index(sorted(tf.io.gfile.glob(os.path.join(index_folder, "*"))))
    if not index:
        raise ValueError(f"expected slices, got none in the index {index_folder}")
    return TrainingSplit(folder, index, transform, settings)
