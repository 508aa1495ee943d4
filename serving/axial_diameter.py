"""The longest axial diameter of a nodule, measured on its outline."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


def longest_axial_mm(mask: BoolArray, spacing_yx_mm: Sequence[float]) -> float:
    """The longest axial diameter of a nodule.

    Args:
        mask: (z, y, x) bool.
        spacing_yx_mm: Spacing (y, x) of its pixels.

    Returns:
        Largest distance in mm within one slice of two middles of outer pixel edges, as
        scikit-image's `feret_diameter_max` has it. If the mask is empty, the result is 0.
    """
    outlines = [_outline_mm(plane, spacing_yx_mm) for plane in mask if plane.any()]
    # No distance is longer than the diagonal of all points: most slices need no closer look.
    bounded = sorted(((float(np.hypot(*np.ptp(one, axis=0))), one) for one in outlines), key=_bound)
    longest = 0.0
    for bound, outline in reversed(bounded):
        if bound <= longest:
            break
        apart = outline[:, None] - outline
        longest = max(longest, math.sqrt(float((apart**2).sum(axis=-1).max())))
    return longest


def _outline_mm(plane: BoolArray, spacing_yx_mm: Sequence[float]) -> FloatArray:
    """(points, 2) places (y, x) in mm of which two are as far apart as any of the outline."""
    points = []
    for axis, held in enumerate((plane.T, plane)):
        # The first and the last pixel of each line along the axis.
        lines = np.flatnonzero(held.any(axis=1))
        first = held[lines].argmax(axis=1) - 0.5
        last = held.shape[1] - 0.5 - held[lines][:, ::-1].argmax(axis=1)
        for ends in (first, last):
            points.append(np.stack((ends, lines) if axis == 0 else (lines, ends), axis=1))
    return np.asarray(np.concatenate(points) * np.asarray(spacing_yx_mm))


def _bound(bounded: tuple[float, FloatArray]) -> float:
    return bounded[0]
