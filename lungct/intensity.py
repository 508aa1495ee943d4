"""What intensity normalisation is learnt from: sums over the region of interest of a slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class IntensitySums:
    """Sums over voxels of their HU, clipped to a window, above its lower bound.

    Attributes:
        count: Voxels.
        total: Sum of the values in HU.
        squares: Sum of their squares in HU².
    """

    count: int
    total: int
    squares: int


def intensity_sums(
    hu: npt.NDArray[np.int16], region: npt.NDArray[np.uint8], window_hu: tuple[int, int]
) -> IntensitySums:
    """Sums up the HU of a region.

    Args:
        hu: (y, x) int16 Hounsfield units.
        region: (y, x) uint8, not 0 in the region.
        window_hu: Lower and upper bound.

    Returns:
        The sums, exact; all 0 of an empty region.

    Raises:
        ValueError: The arrays differ in shape, or the window is empty.
    """
    low, high = window_hu
    if hu.shape != region.shape or low >= high:
        shapes = f"{hu.shape}, {region.shape}"
        raise ValueError(f"expected one shape and a window, got {shapes} and {window_hu}")
    above = np.clip(hu[region > 0].astype(np.int64), low, high) - low
    return IntensitySums(len(above), int(above.sum()), int(np.dot(above, above)))
