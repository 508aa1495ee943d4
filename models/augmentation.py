"""Crops and their augmentation; image and truth go through the same flips and turns.

Flips and quarter turns move whole voxels, so the truth stays exact: nothing is interpolated.
All randomness is stateless: the same seed gives the same crop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow

# Seeds for independent decisions are drawn from the crop's own seed by these numbers.
_PLACE, _FLIP, _TURN, _INTENSITY, _NOISE, _CENTRE = range(6)
_VISIBLE_NODULE: Final = 0.5  # covered part from which a voxel counts as nodule


@dataclass(frozen=True)
class Slice:
    """One whole slice in tensors, or a crop of it."""

    image: Tensor  # float32 (H, W, C)
    truth: Tensor  # float32 (H, W, 1), covered part
    region: Tensor  # uint8 (H, W)


def crop_near(data: Slice, size: int, jitter: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Cuts a square near a nodule, or within the region of interest where the slice has no nodule.

    Args:
        data: A whole slice.
        size: Side of the crop in pixels, at most that of the slice.
        jitter: How far the chosen pixel may be from the crop's centre, in crop sizes.
        seed: int32 (2,).

    Returns:
        Image (size, size, C) and truth (size, size, 1). The crop lies within the slice.
    """
    nodule = data.truth[..., 0] >= _VISIBLE_NODULE
    region = data.region > 0
    mask = tf.cond(tf.reduce_any(nodule), lambda: nodule, lambda: region)
    centre = _random_pixel(mask, _fold(seed, _CENTRE))
    offset = tf.random.stateless_uniform([2], _fold(seed, _PLACE), -jitter, jitter) * float(size)
    limit = tf.shape(data.image)[:2] - size
    corner = centre - size // 2 + tf.cast(tf.round(offset), tf.int32)
    corner = tf.clip_by_value(corner, 0, limit)
    begin, window = tf.concat([corner, [0]], 0), [size, size, -1]
    image, truth = (tf.slice(part, begin, window) for part in (data.image, data.truth))
    return (
        tf.ensure_shape(image, (size, size, data.image.shape[-1])),
        tf.ensure_shape(truth, (size, size, 1)),
    )


def augmenter(
    config: Augmentation, units_per_hu: float
) -> Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Makes the function that augments one crop.

    Args:
        config: What is varied and by how much.
        units_per_hu: What one Hounsfield unit is in network input.

    Returns:
        From (image, truth, seed) to (image, truth) of the same shapes and dtypes.
    """

    def vary(image: Tensor, truth: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        """Augments one crop."""
        image, truth = _move(image, truth, config, seed)
        return _vary_intensity(image, config, units_per_hu, seed), truth

    return vary


def _random_pixel(mask: Tensor, seed: Tensor) -> Tensor:
    """A random (row, column) where the mask holds; anywhere when it holds nowhere."""
    found = tf.where(mask)
    found = tf.cond(tf.size(found) > 0, lambda: found, lambda: tf.where(tf.ones_like(mask)))
    index = tf.random.stateless_uniform([], seed, 0, tf.shape(found)[0], tf.int32)
    return tf.cast(found[index], tf.int32)


def _move(
    image: Tensor, truth: Tensor, config: Augmentation, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Flips and quarter turns of both together."""
    flips = tf.random.stateless_uniform([2], _fold(seed, _FLIP)) < (0.5 if config.flip else 0.0)
    turns = tf.random.stateless_uniform(
        [], _fold(seed, _TURN), 0, 4 if config.rotate else 1, tf.int32
    )
    both = tf.concat([image, truth], -1)
    shape = both.shape
    both = tf.cond(flips[0], lambda: tf.reverse(both, [0]), lambda: both)
    both = tf.cond(flips[1], lambda: tf.reverse(both, [1]), lambda: both)
    both = tf.ensure_shape(tf.image.rot90(both, turns), shape)
    return both[..., :-1], both[..., -1:]


def _vary_intensity(
    image: Tensor, config: Augmentation, units_per_hu: float, seed: Tensor
) -> Tensor:
    """Random contrast, offset and noise, which differ between scanners; shape kept."""
    amount = tf.random.stateless_uniform([3], _fold(seed, _INTENSITY), -1.0, 1.0)
    image = image * (1.0 + config.scale * amount[0]) + config.shift_hu * units_per_hu * amount[1]
    if config.noise_hu == 0:
        return image
    deviation = config.noise_hu * units_per_hu * tf.abs(amount[2])
    return image + deviation * tf.random.stateless_normal(
        tf.shape(image), _fold(seed, _NOISE), alg="auto_select"
    )


def _fold(seed: Tensor, number: int) -> Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)
