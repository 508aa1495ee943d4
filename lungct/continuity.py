"""Whether voxels lie where they belong: in an image, neighbours are much alike.

Voxels that are read in a wrong order, such as by a DimSize whose numbers changed places, have the
right number and values that a CT may hold. Only their neighbours tell.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lungct.scan import ScanError

# On the worst axis real scans had at least 0.89, even with slices 15 mm apart; with their axes
# mixed up at most 0.55, but for 0.76 of one with 23 slices, which is not told apart.
# `python -m benchmarks.real_ct` prints such figures.
MIN_CORRELATION = 0.75

_PLANES = 8
_AXES = ("z", "y", "x")


def check_continuity(hu: npt.NDArray[np.int16]) -> None:
    """Refuses a volume whose neighbours have nothing to do with each other.

    Args:
        hu: (z, y, x) int16 Hounsfield units.

    Raises:
        ScanError: By the rule `no image`.
    """
    for axis, found in zip(_AXES, neighbour_correlations(hu), strict=True):
        if found < MIN_CORRELATION:
            raise ScanError(
                f"no image: expected neighbours along {axis} to correlate by at least "
                f"{MIN_CORRELATION}, got {found:.2f}, as of voxels in a wrong order"
            )


def neighbour_correlations(hu: npt.NDArray[np.int16]) -> tuple[float, float, float]:
    """Pearson's correlation of voxels with the next ones, over a few planes.

    Args:
        hu: (z, y, x) int16 Hounsfield units.

    Returns:
        Along z, y and x from -1 to 1; 1 where an axis has one voxel, or nothing varies.
    """
    last = len(hu) - 1
    moments = np.zeros((3, 6))
    for z in np.unique(np.linspace(0, max(last - 1, 0), _PLANES).astype(int)):
        plane, above = hu[z].astype(np.float64), hu[min(z + 1, last)].astype(np.float64)
        moments[0] += _moments(plane, above)
        moments[1] += _moments(plane[:-1], plane[1:])
        moments[2] += _moments(plane[:, :-1], plane[:, 1:])
    z_axis, y_axis, x_axis = (_correlation(*map(float, row)) for row in moments)
    return z_axis, y_axis, x_axis


def _moments(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Count, sums and sums of products of two arrays of one shape."""
    a, b = one.ravel(), other.ravel()
    return np.array([a.size, a.sum(), b.sum(), a @ a, b @ b, a @ b])


def _correlation(n: float, a: float, b: float, aa: float, bb: float, ab: float) -> float:
    """Pearson's correlation from moments; 1 for nothing and for what does not vary."""
    spread = math.sqrt(max(n * aa - a * a, 0.0) * max(n * bb - b * b, 0.0))
    return (n * ab - a * b) / spread if spread else 1.0
