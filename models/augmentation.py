"""Augmentation of training crops.

Flips and quarter turns move whole voxels of image and truth alike, so the truth stays exact:
nothing is interpolated. They are views of arrays, which cost next to nothing. Intensity is varied
for a whole batch at a time. The same seed gives the same batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow

# Seeds for independent decisions are drawn from the batch's own seed by these numbers.
_INTENSITY, _NOISE = range(2)


class Symmetry(NamedTuple):
    """One of the eight symmetries of a square."""

    transpose: bool  # first
    flip_rows: bool
    flip_columns: bool


def draw_symmetry(config: Augmentation, random: np.random.Generator) -> Symmetry:
    """Draws flips and quarter turns, as far as the configuration allows them.

    Half a turn is both flips; a quarter is a transposition and one flip.
    """
    turn, rows, columns = (bool(part) for part in random.random(3) < 0.5)
    if not config.rotate:
        return Symmetry(False, config.flip and rows, config.flip and columns)
    return Symmetry(turn, rows, columns if config.flip else rows != turn)


def move(pixels: npt.NDArray[Any], symmetry: Symmetry) -> npt.NDArray[Any]:
    """Applies a symmetry to the first two axes of an array; a view."""
    if symmetry.transpose:
        pixels = pixels.swapaxes(0, 1)
    step_rows, step_columns = (-1 if flip else 1 for flip in symmetry[1:])
    return pixels[::step_rows, ::step_columns]


def augmenter(config: Augmentation, units_per_hu: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Makes the function that varies contrast, offset and noise, which differ between scanners.

    Args:
        config: What is varied and by how much.
        units_per_hu: What one Hounsfield unit is in network input.

    Returns:
        From images, float32 (batch, rows, columns, C), and the seed of the batch, int64 (2,), to
        images of the same shape and dtype. Each crop has amounts of its own.
    """

    def vary(image: Tensor, seed: Tensor) -> Tensor:
        """Varies the intensity of one batch."""
        amounts = tf.random.stateless_uniform(
            [3, tf.shape(image)[0], 1, 1, 1], _fold(seed, _INTENSITY), -1.0, 1.0
        )
        contrast, offset, noise = tf.unstack(amounts)
        image = image * (1.0 + config.scale * contrast) + config.shift_hu * units_per_hu * offset
        if config.noise_hu == 0:
            return image
        deviation = config.noise_hu * units_per_hu * tf.abs(noise)
        return image + deviation * tf.random.stateless_normal(
            tf.shape(image), _fold(seed, _NOISE), alg="auto_select"
        )

    return vary


def _fold(seed: Tensor, number: int) -> Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)
