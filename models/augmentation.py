"""Augmentation of training crops; image and truth go through the same flips and turns.

Flips and quarter turns move whole voxels, so the truth stays exact: nothing is interpolated.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow


def turn(
    hu: npt.NDArray[np.int16],
    coverage: npt.NDArray[np.uint8],
    config: Augmentation,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Flips and quarter turns of a square crop.

    Args:
        hu: (size, size, channels).
        coverage: (size, size).
        config: Which are allowed.
        random: Source of chance.

    Returns:
        Views of both, moved alike.
    """
    flips, turns = random.random(2) < 0.5, int(random.integers(4))
    for axis in (0, 1):
        if config.flip and flips[axis]:
            hu, coverage = np.flip(hu, axis), np.flip(coverage, axis)
    if config.rotate:
        hu, coverage = np.rot90(hu, turns), np.rot90(coverage, turns)
    return hu, coverage


def vary_intensity(
    images: Tensor, config: Augmentation, units_per_hu: float, seed: Tensor
) -> Tensor:
    """Random contrast, offset and noise, which differ between scanners.

    Args:
        images: float32 (N, H, W, C), normalised.
        config: What is varied and by how much.
        units_per_hu: What one Hounsfield unit is in network input.
        seed: int64 (2,); the same seed varies a batch in the same way.

    Returns:
        float32 of the same shape; each crop is varied by amounts of its own.
    """
    shape = tf.shape(images)
    amount = tf.random.stateless_uniform([shape[0], 1, 1, 1, 3], seed, -1.0, 1.0)
    contrast = 1.0 + config.scale * amount[..., 0]
    images = images * contrast + config.shift_hu * units_per_hu * amount[..., 1]
    if config.noise_hu == 0:
        return images
    deviation = config.noise_hu * units_per_hu * tf.abs(amount[..., 2])
    return images + deviation * tf.random.stateless_normal(shape, seed)
