"""Intensity normalisation that training and serving share, learnt with TensorFlow Transform."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from lungct.grid import Grid
from schema import features
from schema.hyperparameters import Intensity, parse_grid, parse_intensity

# Mean and variance are taken over every second pixel in both directions, a quarter of them: enough
# for two numbers.
_STATISTICS_STRIDE = 2
# Below this all slices have one value; dividing by it would only amplify rounding errors.
_SMALLEST_DEVIATION = 1e-3


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Turns the raw bytes of slices into network input and soft truth.

    Args:
        inputs: Raw features by name, as the schema declares them; only the image and the nodule
            coverage are used, each a (N, 1) tensor of bytes.
        custom_config: Holds `grid.slice_size`, `grid.context` and `intensity.window_hu`.

    Returns:
        `IMAGE`: float32 (N, H, W, C), Hounsfield units clipped to the window, then standardised
        by mean and standard deviation of the data set. `TRUTH`: float32 (N, H, W, 1), the part
        of each voxel that lies in a nodule, 0 to 1.
    """
    grid = parse_grid(custom_config)
    window = clip_and_scale(
        decode_hu(inputs[features.IMAGE_HU], grid), parse_intensity(custom_config)
    )
    return {
        features.IMAGE: _standardise(window, grid),
        features.TRUTH: decode_coverage(inputs[features.NODULE_COVERAGE], grid),
    }


def decode_hu(raw: tf.Tensor, grid: Grid) -> tf.Tensor:
    """Bytes (N, 1) or (N,) to float32 (N, H, W, C) Hounsfield units."""
    shape = (-1, grid.slice_size, grid.slice_size, grid.channels)
    hu = tf.io.decode_raw(tf.reshape(raw, [-1]), tf.int16, little_endian=True)
    return tf.cast(tf.reshape(hu, shape), tf.float32)


def decode_coverage(raw: tf.Tensor, grid: Grid) -> tf.Tensor:
    """Bytes (N, 1) or (N,) to float32 (N, H, W, 1), the covered part of each voxel, 0 to 1."""
    coverage = tf.io.decode_raw(tf.reshape(raw, [-1]), tf.uint8)
    shape = (-1, grid.slice_size, grid.slice_size, 1)
    return tf.cast(tf.reshape(coverage, shape), tf.float32) / 255.0


def clip_and_scale(hu: tf.Tensor, intensity: Intensity) -> tf.Tensor:
    """Clips to the window and maps it to 0..1, shape kept."""
    low, high = intensity.window_hu
    return (tf.clip_by_value(hu, low, high) - low) / (high - low)


def _standardise(window: tf.Tensor, grid: Grid) -> tf.Tensor:
    """Zero mean and unit variance over the data set, measured on the slices themselves.

    Only the middle channel is measured: the others hold neighbouring slices, which are measured
    themselves.
    """
    stride = _STATISTICS_STRIDE
    sample = window[:, ::stride, ::stride, grid.context]
    deviation = tf.maximum(tf.sqrt(tft.var(sample)), _SMALLEST_DEVIATION)
    return (window - tft.mean(sample)) / deviation
