"""Zoom, small turns and elastic deformation of training crops, in one resampling.

Image and truth are moved by the same field and interpolated linearly between pixels, so the truth
of a pixel is the covered part at the place that its grey value comes from. What comes from beyond
the crop continues the edge of the image and is IGNORED in truth, as is a pixel to which an IGNORED
one contributes.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.batch_seeds import Draw, amounts
from models.ignored import IGNORED
from schema.hyperparameters import Augmentation

Tensor = Any  # TensorFlow has no types that mypy can follow

# Pixels between the knots of the elastic field. Between neighbouring knots it changes by at most
# twice the largest displacement, and a cubic B-spline is no steeper than its knots: its four
# derivatives are at most 2 * 3 / 16 each, their matrix at most 0.75. After a zoom of at most 1.3
# that is 0.975, less than 1, so that no field folds a crop onto itself.
_KNOT_PIXELS: Final = 16
# Places beyond the edge by less are on it: rounding errors of turns and zooms.
_ON_EDGE_PIXELS: Final = 1e-3
# Stands for IGNORED while truth is interpolated: any share of it outweighs what is covered.
_OUTWEIGHS: Final = -1e9


def deformer(
    config: Augmentation,
) -> Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Makes the function that moves the pixels of a batch.

    Args:
        config: What is done and by how much; each crop has amounts of its own.

    Returns:
        From HU (batch, size, size, C), truth float32 (batch, size, size, 1) and the seed of the
        batch, int64 (2,), to HU and truth of the same shapes, HU float32 then; both as they came
        where nothing of it is turned on. Shapes must be known when the graph is made.
    """

    def deform(hu: Tensor, truth: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        """Moves the pixels of one batch."""
        count, size = hu.shape[:2]
        zoom, turn = tf.unstack(amounts(seed, Draw.PLACE, [2, count]))
        places = turned(
            size, tf.pow(1.0 + config.zoom, zoom), turn * math.radians(config.turn_degrees)
        )
        if config.elastic_pixels:
            places += elastic_field(size, config.elastic_pixels, count, seed)
        return resampled(hu, truth, places)

    if config.zoom or config.turn_degrees or config.elastic_pixels:
        return deform
    return lambda hu, truth, seed: (hu, truth)


def turned(size: int, factors: Tensor, angles: Tensor) -> Tensor:
    """Where the pixels of zoomed and turned crops come from.

    Args:
        size: Rows, and columns, of a crop.
        factors: By how much what is seen grows, float32 (batch,).
        angles: Turn in radians, from rows towards columns, float32 (batch,).

    Returns:
        Rows and columns in pixels, float32 (batch, 2, size, size), around the crop's centre.
    """
    centre = (size - 1) / 2
    offsets = tf.range(size, dtype=tf.float32) - centre
    rows, columns = offsets[:, None], offsets
    cosine, sine = ((part / factors)[:, None, None] for part in (tf.cos(angles), tf.sin(angles)))
    places = [cosine * rows - sine * columns, sine * rows + cosine * columns]
    return tf.stack(places, axis=1) + centre


def elastic_field(size: int, largest: float, count: int, seed: Tensor) -> Tensor:
    """Smooth random displacements: cubic B-splines through a coarse grid of knots.

    Args:
        size: Rows, and columns, of a crop.
        largest: No displacement along rows or columns is larger, in pixels.
        count: How many crops.
        seed: Of the batch, int64 (2,).

    Returns:
        Displacements in pixels, float32 (count, 2, size, size).
    """
    weights = _spline_weights(size)
    knots = weights.shape[1]
    drawn = largest * amounts(seed, Draw.FIELD, [count, 2, knots, knots])
    return tf.matmul(tf.matmul(weights, drawn), weights, transpose_b=True)


def resampled(hu: Tensor, truth: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Takes image and truth from other places, linearly between the four pixels around each.

    Args:
        hu: (batch, H, W, C), any numeric type.
        truth: Covered part of each voxel, or IGNORED, float32 (batch, H, W, 1).
        places: Rows and columns in pixels, float32 (batch, 2, H, W).

    Returns:
        HU, float32, and truth of the same shapes.
    """
    count, height, width, channels = hu.shape
    known = tf.where(truth < 0, _OUTWEIGHS, truth)
    pixels = tf.reshape(tf.concat([tf.cast(hu, tf.float32), known], -1), [-1, channels + 1])
    rows, down, rows_inside = _axis(places[:, 0], height)
    columns, right, columns_inside = _axis(places[:, 1], width)
    crops = tf.range(count)[:, None, None] * (height * width)
    first = crops + rows * width + columns
    below, beside = width * (height > 1), int(width > 1)
    upper = (1.0 - right) * tf.gather(pixels, first) + right * tf.gather(pixels, first + beside)
    first += below
    lower = (1.0 - right) * tf.gather(pixels, first) + right * tf.gather(pixels, first + beside)
    mixed = (1.0 - down) * upper + down * lower
    moved = mixed[..., channels:]
    learned = (rows_inside & columns_inside)[..., None] & (moved >= 0)
    return mixed[..., :channels], tf.where(learned, tf.minimum(moved, 1.0), IGNORED)


def _axis(places: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Along one axis: the pixel before each place, the share of the next one, what is inside."""
    last = size - 1.0
    inside = (places > -_ON_EDGE_PIXELS) & (places < last + _ON_EDGE_PIXELS)
    places = tf.clip_by_value(places, 0.0, last)
    before = tf.floor(tf.minimum(places, max(last - 1.0, 0.0)))
    return tf.cast(before, tf.int32), (places - before)[..., None], inside


def _spline_weights(size: int) -> npt.NDArray[np.float32]:
    """What each knot of a uniform cubic B-spline gives to each pixel, (size, knots)."""
    whole, part = np.divmod(np.arange(size) / _KNOT_PIXELS, 1.0)
    four = (
        (1 - part) ** 3,
        3 * part**3 - 6 * part**2 + 4,
        -3 * part**3 + 3 * part**2 + 3 * part + 1,
        part**3,
    )
    weights = np.zeros((size, int(whole[-1]) + 4), np.float32)
    for number, values in enumerate(four):
        weights[np.arange(size), whole.astype(int) + number] = values / 6
    return weights
