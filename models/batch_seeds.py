"""Random numbers of a batch: each decision of the augmentation has a stream of its own.

A stream is never given to another decision, so that turning one on leaves what the others draw.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import tensorflow as tf


class Draw(IntEnum):
    """What is drawn for a batch."""

    INTENSITY = 0
    NOISE = 1
    GRAIN = 2
    PLACE = 3
    FIELD = 4
    SCANNER = 5


def seed_of(seed: Any, draw: Draw) -> Any:
    """The seed of a decision, int64 (2,), from that of its batch, int64 (2,)."""
    return tf.random.experimental.stateless_fold_in(seed, int(draw))


def amounts(seed: Any, draw: Draw, shape: Sequence[Any]) -> Any:
    """Numbers from -1 to 1, float32 of this shape."""
    return tf.random.stateless_uniform(shape, seed_of(seed, draw), -1.0, 1.0)
