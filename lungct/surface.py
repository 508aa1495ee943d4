"""Distances between the surfaces of a predicted and a true mask, by DeepMind's surface-distance.

A surface is taken at the corners of voxels, each weighted by the area of surface in it (marching
cubes), so that figures don't depend on how fine the grid is along one axis. Source of the formulas:
Nikolov et al., Deep learning to achieve clinically applicable segmentation of head and neck
anatomy, https://arxiv.org/abs/1809.04430.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lungct.lung.airspace import padded_box

Mask = npt.NDArray[np.bool_]

# Of the Hausdorff distance: the largest distance of all would be that of one stray voxel.
_PERCENT: Final = 95


@dataclass(frozen=True)
class SurfaceFigures:
    """How well two surfaces agree.

    Attributes:
        dice: Share of both surfaces that is at most the tolerance away from the other one
            (normalised surface Dice); 0 when one mask is empty, NaN when both are.
        hd95_mm: 95th percentile of the distances from each surface to the other, the larger of
            both directions, in mm (Hausdorff distance); NaN, undefined, when a mask is empty.
    """

    dice: float
    hd95_mm: float


def surface_figures(
    prediction: Mask, truth: Mask, spacing_mm: Sequence[float], tolerance_mm: float = 1.0
) -> SurfaceFigures:
    """Normalised surface Dice and 95th percentile Hausdorff distance.

    Time and memory go with the box around both masks, some 45 bytes and 0.3 µs a voxel of it: give
    the surroundings of a nodule where a stray prediction elsewhere does not matter.

    Args:
        prediction: (z, y, x) bool.
        truth: (z, y, x) bool, same shape.
        spacing_mm: Of voxels (z, y, x) in mm.
        tolerance_mm: Distance that is regarded as agreement, inclusive.

    Returns:
        The figures; masks of which one or both are empty as `SurfaceFigures` says.

    Raises:
        ValueError: The masks are not of one shape with three axes, or the spacing is not three
            positive numbers, or the tolerance is negative.
    """
    _check(prediction, truth, spacing_mm, tolerance_mm)
    if not prediction.any() or not truth.any():
        return SurfaceFigures(0.0 if prediction.any() or truth.any() else math.nan, math.nan)
    box = padded_box(prediction | truth)
    library = _library()
    distances = library.compute_surface_distances(truth[box], prediction[box], tuple(spacing_mm))
    return SurfaceFigures(
        float(library.compute_surface_dice_at_tolerance(distances, tolerance_mm)),
        float(library.compute_robust_hausdorff(distances, _PERCENT)),
    )


def _check(prediction: Mask, truth: Mask, spacing_mm: Sequence[float], tolerance_mm: float) -> None:
    """Refuses arguments that fit no formula."""
    if prediction.ndim != 3 or prediction.shape != truth.shape:
        raise ValueError(
            "expected prediction and truth of one shape (z, y, x), "
            f"got {prediction.shape} and {truth.shape}"
        )
    if len(spacing_mm) != 3 or not all(0 < size < math.inf for size in spacing_mm):
        raise ValueError(f"expected 3 positive spacings in mm, got {tuple(spacing_mm)}")
    if not tolerance_mm >= 0:
        raise ValueError(f"expected a tolerance from 0 mm, got {tolerance_mm}")


@cache
def _library() -> Any:
    """The library, imported when it is needed first: its scipy takes a third of a second.

    Version 0.1 finds its filters in `scipy.ndimage.filters` and `.morphology`, which warn at each
    use and end with SciPy 2. It gets the same functions from where they are now; to silence the
    warnings instead would not be safe in threads.
    """
    from scipy import ndimage  # type: ignore[import-untyped]
    from surface_distance import metrics  # type: ignore[import-untyped]

    metrics.ndimage = SimpleNamespace(filters=ndimage, morphology=ndimage)
    return metrics
