"""Padding around the circle that was scanned: of whatever value, it is air, never tissue.

Where its value is one that tissue may have, padding is told by being exactly constant, corner by
corner and slice by slice, in a volume whose other voxels have noise. Where nothing has noise, it
can't be told from tissue, and is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Voxels = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]

# Corners of slices that must have the value, and side of a corner as a share of the slice's: the
# circle in a square leaves 0.146 of the diagonal free.
_MIN_CORNERS = 0.5
_CORNER_SHARE = 1 / 12

# Share of neighbours that are equal where there is noise.
_MAX_EQUAL = 0.5

_LARGEST_SAMPLE = 64


def corner_value(voxels: Voxels) -> Any | None:
    """The value that half of the corners of slices have, if they do.

    Args:
        voxels: (z, y, x) stored values.

    Returns:
        The value; None where corners differ. It need not be padding.
    """
    rows, columns = [0, 0, -1, -1], [0, -1, 0, -1]
    values, counts = np.unique(voxels[:, rows, columns], return_counts=True)
    most = int(counts.argmax())
    return values[most] if counts[most] >= _MIN_CORNERS * counts.sum() else None


def is_constant_around_noise(voxels: Voxels, value: Any) -> bool:
    """Whether corners hold one value throughout, and the rest of the slices has noise.

    Args:
        voxels: (z, y, x) stored values.
        value: The value from `corner_value`.

    Returns:
        True if that value is padding, whatever tissue may have it.
    """
    sample = voxels[:: max(1, len(voxels) // _LARGEST_SAMPLE)]
    height, width = (max(2, int(size * _CORNER_SHARE)) for size in sample.shape[1:])
    corners = [
        (sample[:, y, x] == value).all(axis=(1, 2))
        for y in (slice(height), slice(-height, None))
        for x in (slice(width), slice(-width, None))
    ]
    if np.mean(corners) < _MIN_CORNERS:
        return False
    rows = sample[:, :: max(1, sample.shape[1] // _LARGEST_SAMPLE)]
    left, right = rows[:, :, :-1], rows[:, :, 1:]
    inside = (left != value) | (right != value)
    equal = np.count_nonzero((left == right) & inside)
    return equal < _MAX_EQUAL * np.count_nonzero(inside)


def fill_from_sides(plane: Voxels, value: Any, filling: Any) -> int:
    """Replaces a value in the runs that begin at the left and right side of a slice.

    Rows of a circle lie between such runs; within it tissue may have the value.

    Args:
        plane: (y, x) stored values, changed in place unless all of it has the value: a slice that
            was lost is left to be seen.
        value: What is replaced.
        filling: What replaces it.

    Returns:
        How many voxels were replaced.
    """
    padding: BoolArray = plane == value
    runs = np.logical_and.accumulate(padding, axis=1)
    runs |= np.logical_and.accumulate(padding[:, ::-1], axis=1)[:, ::-1]
    if runs.all():
        return 0
    plane[runs] = filling
    return int(np.count_nonzero(runs))
