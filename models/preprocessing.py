"""Intensity normalisation that training and serving share, learnt with TensorFlow Transform.

The graph takes Hounsfield units one by one, so it works on a crop, a slice or a slab of any size.
Mean and variance come from sums in the index of the examples; no pixel is read while they are
learnt.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from schema import features
from schema.custom_config import parse_intensity
from schema.hyperparameters import Intensity

# Below this, in parts of the window, all voxels have one value; dividing by it would only amplify
# rounding errors.
_SMALLEST_DEVIATION = 1e-3


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Learns from the index of slices how HU become network input.

    Args:
        inputs: Raw features by name, as the schema declares them; used are `HU`, float32 (N, 1),
            and the three `INTENSITY_*`, int64 (N, 1).
        custom_config: Holds `intensity.window_hu`.

    Returns:
        `IMAGE`: float32 (N, 1), `HU` clipped to the window, then standardised by mean and standard
        deviation of all voxels in the regions of interest of the data set.
    """
    intensity = parse_intensity(custom_config)
    mean, deviation = _moments(inputs, intensity)
    return {features.IMAGE: (clip_and_scale(inputs[features.HU], intensity) - mean) / deviation}


def clip_and_scale(hu: tf.Tensor, intensity: Intensity) -> tf.Tensor:
    """Clips float32 HU to the window and maps it to 0..1, shape kept."""
    low, high = (float(bound) for bound in intensity.window_hu)
    return (tf.clip_by_value(hu, low, high) - low) / (high - low)


def normalise(transform: Any, hu: Any) -> Any:
    """Applies the transform graph.

    Args:
        transform: The TFT layer.
        hu: Hounsfield units, any shape and numeric type.

    Returns:
        Network input, float32 of the same shape.
    """
    # In the layer AutoGraph finds nothing to convert, for which it takes seconds.
    plain = tf.autograph.experimental.do_not_convert(transform)
    values = tf.reshape(tf.cast(hu, tf.float32), [-1, 1])
    return tf.reshape(plain({features.HU: values})[features.IMAGE], tf.shape(hu))


def units_per_hu(transform: Any, intensity: Intensity) -> float:
    """What one Hounsfield unit is in network input, measured through the transform graph."""
    low, high = normalise(transform, tf.constant(intensity.window_hu)).numpy()
    return float(high - low) / (intensity.window_hu[1] - intensity.window_hu[0])


def _moments(inputs: Mapping[str, tf.Tensor], intensity: Intensity) -> tuple[Any, Any]:
    """Mean and standard deviation of voxels in the window, in parts of it.

    The sums are whole numbers, so that their order does not matter. From them the variance is
    E[v²] - E[v]² in float64.
    """
    low, high = intensity.window_hu
    names = (features.INTENSITY_COUNT, features.INTENSITY_SUM, features.INTENSITY_SQUARES)
    count, total, squares = (tf.cast(tft.sum(inputs[name]), tf.float64) for name in names)
    count = tf.maximum(count, 1.0)
    mean = total / count
    deviation = tf.sqrt(tf.maximum(squares / count - mean**2, 0.0))
    width = float(high - low)
    smallest = tf.constant(_SMALLEST_DEVIATION, tf.float32)
    return (
        tf.cast(mean / width, tf.float32),
        tf.maximum(tf.cast(deviation / width, tf.float32), smallest),
    )
