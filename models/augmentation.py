"""Augmentation of training crops; image and truth go through the same flips and turns.

Flips and quarter turns move whole voxels, so the truth stays exact: nothing is interpolated.
All randomness is stateless: the same seed gives the same batch.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow

# Seeds for independent decisions are drawn from the batch's own seed by these numbers.
_MOVE, _INTENSITY, _NOISE = range(3)


def augmenter(
    config: Augmentation, units_per_hu: float
) -> Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Makes the function that augments a batch, each crop by decisions of its own.

    Args:
        config: What is varied and by how much.
        units_per_hu: What one Hounsfield unit is in network input.

    Returns:
        From image float32 (batch, size, size, C), truth (batch, size, size, 1) and the seed of the
        batch, int64 (2,), to image and truth of the same shapes and dtypes.
    """

    def vary(image: Tensor, truth: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        """Augments one batch."""
        image, truth = _move(image, truth, config, seed)
        return _vary_intensity(image, config, units_per_hu, seed), truth

    return vary


def _move(
    image: Tensor, truth: Tensor, config: Augmentation, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Flips and quarter turns of both together.

    The symmetries of a square are a transposition or none, then a flip or none along each axis.
    Both flips together are half a turn; a transposition and one flip are a quarter.
    """
    one, other, turn = tf.unstack(
        tf.random.stateless_uniform([3, tf.shape(image)[0]], _fold(seed, _MOVE)) < 0.5
    )
    if not config.rotate:
        turn = tf.zeros_like(turn)
    if not config.flip:
        # Turns alone: one flip comes with each transposition, none or both without.
        other = tf.math.logical_xor(one, turn)
    if not (config.flip or config.rotate):
        one = other = turn
    return _flip_and_turn(image, one, other, turn), _flip_and_turn(truth, one, other, turn)


def _flip_and_turn(pixels: Tensor, rows: Tensor, columns: Tensor, turn: Tensor) -> Tensor:
    """Of each crop: transposes it, flips its rows, flips its columns, where asked for."""
    shape = pixels.shape
    pixels = tf.where(_of_crop(turn), tf.transpose(pixels, [0, 2, 1, 3]), pixels)
    pixels = tf.where(_of_crop(rows), tf.reverse(pixels, [1]), pixels)
    return tf.ensure_shape(tf.where(_of_crop(columns), tf.reverse(pixels, [2]), pixels), shape)


def _vary_intensity(
    image: Tensor, config: Augmentation, units_per_hu: float, seed: Tensor
) -> Tensor:
    """Random contrast, offset and noise, which differ between scanners; shape kept."""
    random = tf.random.stateless_uniform([3, tf.shape(image)[0]], _fold(seed, _INTENSITY), -1.0)
    contrast, offset, noise = (_of_crop(part) for part in tf.unstack(random))
    image = image * (1.0 + config.scale * contrast) + config.shift_hu * units_per_hu * offset
    if config.noise_hu == 0:
        return image
    deviation = config.noise_hu * units_per_hu * tf.abs(noise)
    return image + deviation * tf.random.stateless_normal(
        tf.shape(image), _fold(seed, _NOISE), alg="auto_select"
    )


def _of_crop(values: Tensor) -> Tensor:
    """One value a crop, to be broadcast over its pixels."""
    return values[:, None, None, None]


def _fold(seed: Tensor, number: int) -> Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)
