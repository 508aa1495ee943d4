"""Sums over voxels, from which mean and variance of any set of slices follow exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class IntensitySums:
    """Sums over the voxels of a region, of v = clip(HU, low, high) - low.

    Attributes:
        count: Voxels in the region.
        total: Sum of v.
        squares: Sum of v².
    """

    count: int
    total: int
    squares: int


def intensity_sums(
    hu: npt.NDArray[np.int16], region: npt.NDArray[np.uint8], window_hu: tuple[int, int]
) -> IntensitySums:
    """Sums of the HU in a region, clipped to a window.

    Args:
        hu: int16 Hounsfield units, any shape.
        region: uint8 of the same shape, not 0 in the region.
        window_hu: Lower and upper bound, whole HU.

    Returns:
        The sums, exact; all 0 where the region is empty.
    """
    low, high = window_hu
    held = np.clip(hu[region.view(np.bool_)], low, high).astype(np.int64) - low
    return IntensitySums(held.size, int(held.sum()), int(np.dot(held, held)))
