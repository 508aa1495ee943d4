"""Thick slices, blur and the curve of grey values, in which scanners and their kernels differ.

The truth stays as it is. It says what part of a voxel of the working grid lies in the nodule, which
is a matter of the body, not of the scanner: an image of thicker slices or with a softer kernel
shows the same nodule less sharply. Each of these filters is symmetric, so that nothing is
displaced. (Outlines that readers drew on thick slices are another matter: the truth is thick.)
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from models.batch_seeds import Draw, amounts
from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow

# Below this a Gaussian of so many pixels keeps less than 1e-12 of its neighbours.
_SMALLEST_PIXELS = 0.1


def scanner(config: Augmentation, window_hu: tuple[int, int]) -> Callable[[Tensor, Tensor], Tensor]:
    """Makes the function that turns a batch into one of other scanners.

    Args:
        config: What is done and by how much; each crop has amounts of its own.
        window_hu: What of the grey values the network sees.

    Returns:
        From HU (batch, size, size, C) and the seed of the batch, int64 (2,), to HU of the same
        shape, float32 then; as they came where nothing of it is turned on.
    """

    def scan(hu: Tensor, seed: Tensor) -> Tensor:
        """Turns one batch into one of other scanners."""
        count, size = hu.shape[:2]
        thick, soft, bend = tf.unstack(amounts(seed, Draw.SCANNER, [3, count]))
        hu = tf.cast(hu, tf.float32)
        if config.thickness:
            hu = thickened(hu, config.thickness * tf.abs(thick))
        if config.blur_pixels:
            hu = filtered(hu, gaussians(config.blur_pixels * tf.abs(soft), size, 1))
        if config.bend:
            hu = bent(hu, config.bend * bend, window_hu)
        return hu

    if config.thickness or config.blur_pixels or config.bend:
        return scan
    return lambda hu, seed: hu


def thickened(hu: Tensor, shares: Tensor) -> Tensor:
    """Mixes the slices of each crop with their neighbours in z; the ends are continued.

    Args:
        hu: float32 (batch, H, W, slices).
        shares: What both neighbours together get of a slice, float32 (batch,), from 0 to 2/3, at
            which all three count alike.

    Returns:
        float32 of the shape of `hu`.
    """
    count, height, width, slices = hu.shape
    differences = np.eye(slices, k=1) + np.eye(slices, k=-1)
    differences -= np.diag(differences.sum(0))
    mixing = np.eye(slices, dtype=np.float32) + shares[:, None, None] / 2 * differences.astype(
        np.float32
    )
    mixed = tf.matmul(tf.reshape(hu, [count, height * width, slices]), mixing)
    return tf.reshape(mixed, [count, height, width, slices])


def bent(hu: Tensor, bends: Tensor, window_hu: tuple[int, int]) -> Tensor:
    """Bends the curve of grey values within the window, whose ends stay.

    With v the place in the window, 0 to 1, it becomes v + bend v (1 - v): as a gamma does, at a
    fraction of its cost. No value passes another while the bend is between -1 and 1.

    Args:
        hu: float32 (batch, H, W, C).
        bends: float32 (batch,).
        window_hu: Its ends; values beyond them become these.

    Returns:
        float32 of the shape of `hu`.
    """
    low, high = (float(end) for end in window_hu)
    hu = tf.clip_by_value(hu, low, high)
    steepness = bends[:, None, None, None] / (high - low)
    return hu + steepness * (hu - low) * (high - hu)


def gaussians(deviations: Tensor, size: int, norm: int) -> Tensor:
    """A Gaussian filter for each crop as a matrix: row r holds the weights of what pixel r sees.

    Args:
        deviations: Standard deviations in pixels, float32 (batch,).
        size: Pixels of the axis that is filtered.
        norm: 1: weights add up to 1, also at the edge, so that what is even stays as it is.
            2: their squares do, so that white noise keeps its deviation.

    Returns:
        float32 (batch, size, size).
    """
    distances = tf.range(size, dtype=tf.float32)
    squares = (distances[:, None] - distances) ** 2
    deviations = tf.maximum(deviations, _SMALLEST_PIXELS)[:, None, None]
    weights = tf.exp(-squares / (2.0 * deviations**2))
    return weights / tf.norm(weights, ord=norm, axis=-1, keepdims=True)


def filtered(image: Tensor, weights: Tensor) -> Tensor:
    """Filters each crop along its rows and its columns.

    Args:
        image: float32 (batch, size, size, C).
        weights: What `gaussians` gave, float32 (batch, size, size).

    Returns:
        float32 of the shape of `image`.
    """
    for _ in range(2):  # a transposition each time: both axes, and as it was in the end
        image = tf.transpose(_along_rows(image, weights), [0, 2, 1, 3])
    return image


def _along_rows(image: Tensor, weights: Tensor) -> Tensor:
    count, height, width, channels = image.shape
    flat = tf.reshape(image, [count, height, width * channels])
    return tf.reshape(tf.matmul(weights, flat), [count, height, width, channels])
