"""Augmentation of training crops.

Flips and quarter turns move whole voxels of image and truth alike, so the truth stays exact:
nothing is interpolated. They are views of arrays, which cost next to nothing. Intensity is varied
for a whole batch at a time. The same seed gives the same batch. `models.deformation` moves parts of
voxels, `models.scanner` is about sharpness.
"""

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.batch_seeds import Draw, amounts, seed_of
from models.scanner import filtered, gaussians
from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow


def _quantiles() -> npt.NDArray[np.float32]:
    """The middle of each of 256 equally likely parts of a normal distribution, deviation 1."""
    normal = statistics.NormalDist()
    values = np.array([normal.inv_cdf((number + 0.5) / 256) for number in range(256)], np.float32)
    return np.asarray(values / values.std(), np.float32)


_QUANTILES = _quantiles()


class Symmetry(NamedTuple):
    """One of the sixteen symmetries of a square prism."""

    transpose: bool  # first
    flip_rows: bool
    flip_columns: bool
    flip_slices: bool  # those before a slice change places with those after it


def draw_symmetry(config: Augmentation, random: np.random.Generator) -> Symmetry:
    """Draws flips and quarter turns, as far as the configuration allows them.

    Half a turn is both flips; a quarter is a transposition and one flip.
    """
    drawn = random.random(3)
    turn, rows, columns = (bool(part) for part in drawn < 0.5)
    # The next binary digit is as good as another draw, and leaves what is drawn after this.
    slices = config.flip_slices and bool(2 * drawn[0] % 1 < 0.5)
    if not config.rotate:
        return Symmetry(False, config.flip and rows, config.flip and columns, slices)
    return Symmetry(turn, rows, columns if config.flip else rows != turn, slices)


def move(pixels: npt.NDArray[Any], symmetry: Symmetry) -> npt.NDArray[Any]:
    """Applies a symmetry to an array, its axes rows, columns and, if any, slices; a view."""
    if symmetry.transpose:
        pixels = pixels.swapaxes(0, 1)
    return np.flip(pixels, np.flatnonzero(symmetry[1 : 1 + pixels.ndim]))


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
        drawn = amounts(seed, Draw.INTENSITY, [3, tf.shape(image)[0], 1, 1, 1])
        contrast, offset, noise = tf.unstack(drawn)
        image = image * (1.0 + config.scale * contrast) + config.shift_hu * units_per_hu * offset
        if config.noise_hu == 0:
            return image
        deviation = config.noise_hu * units_per_hu * tf.abs(noise)
        return image + deviation * _noise(config, image, seed)

    return vary


def _noise(config: Augmentation, image: Tensor, seed: Tensor) -> Tensor:
    """Noise of deviation 1 in the shape of the image, each crop's of a grain of its own."""
    noise = normal_noise(tf.shape(image), seed_of(seed, Draw.NOISE))
    if config.noise_grain_pixels == 0:
        return noise
    count, size = image.shape[:2]
    grain = config.noise_grain_pixels * tf.abs(amounts(seed, Draw.GRAIN, [count]))
    return filtered(tf.ensure_shape(noise, image.shape), gaussians(grain, size, norm=2))


def normal_noise(shape: Tensor, seed: Tensor) -> Tensor:
    """Nearly normal noise at half the cost of TensorFlow's: one of 256 quantiles for each value.

    Args:
        shape: Of the result, int32.
        seed: int64 (2,).

    Returns:
        float32, mean 0, standard deviation 1, at most 2.9 from 0.
    """
    size = tf.reduce_prod(shape)
    whole = tf.random.stateless_uniform([(size + 3) // 4], seed, None, None, tf.int32)
    numbers = tf.reshape(tf.bitcast(whole, tf.uint8), [-1])[:size]
    return tf.reshape(tf.gather(_QUANTILES, tf.cast(numbers, tf.int32)), shape)
