"""Whether voxels are there and lie where they belong: in an image, neighbours are much alike.

Voxels that are read in a wrong order, such as by a DimSize whose numbers changed places, have the
right number and values that a CT may hold. Only their neighbours tell.
Slices that were never written are of the right length too, and all of one value. Slices in a wrong
order are told by `lungct.readers.slice_order`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lungct.limits import LUNG, VOLUME
from lungct.readers.slice_order import check_repeats, check_slice_order
from lungct.scan import AIR_HU, ScanError

# On the worst axis real scans had at least 0.89, even with slices 15 mm apart; with their axes
# mixed up at most 0.55, but for 0.76 of one with 23 slices, which is not told apart.
# `python -m benchmarks.real_ct` prints such figures.
MIN_CORRELATION = 0.75

# A crop may hold little but noise, or an organ that begins from one thick slice to the next, so one
# axis is not judged: no more than noise, whose neighbours do not correlate, is told apart. `python
# -m benchmarks.scan_content` prints the least of real crops.
MIN_CROP_CORRELATION = 0.1

_PLANES = 8
_AXES = ("z", "y", "x")


def check_continuity(hu: npt.NDArray[np.int16], region: str = LUNG) -> None:
    """Refuses a volume with slices that were lost, or with voxels in a wrong order.

    Args:
        hu: (z, y, x) int16 Hounsfield units of a scan or a crop, a view along the patient's axes
            of the array that was read.
        region: LUNG for a scan, VOLUME for a crop.

    Raises:
        ScanError: By the rules `blank slices`, `no image`, `repeated slices` and `slice order`.
    """
    order = _stored_order(hu)
    stored = _as_stored(hu, order)
    inner = _without_padding(stored)
    image = stored[inner]
    _check_neighbours(image, region)
    check_repeats(image, inner.start)
    # Left and right are alike, and so is the air before and behind the patient.
    if order[0] == 0:
        check_slice_order(image, inner.start)


def _check_neighbours(image: npt.NDArray[np.int16], region: str) -> None:
    """Refuses voxels whose neighbours are nothing like them."""
    judged = list(zip(neighbour_correlations(image), _AXES, strict=True))
    least = MIN_CORRELATION
    if region == VOLUME:
        judged, least = sorted(judged)[1:], MIN_CROP_CORRELATION
    for found, axis in judged:
        if found < least:
            raise ScanError(
                f"no image: expected neighbours along {axis} as stored to correlate by at least "
                f"{least}, got {found:.2f}, as of voxels in a wrong order"
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


def _stored_order(hu: npt.NDArray[np.int16]) -> tuple[int, ...]:
    """Axes of a view in the order in which its voxels follow each other in the file."""
    return tuple(int(axis) for axis in np.argsort([-abs(s) for s in hu.strides], kind="stable"))


def _as_stored(hu: npt.NDArray[np.int16], order: tuple[int, ...]) -> npt.NDArray[np.int16]:
    """A view whose slices follow each other as in the file, whatever axes were turned since."""
    view = hu.transpose(order)
    return view[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in view.strides)]


def _without_padding(hu: npt.NDArray[np.int16]) -> slice:
    """The range of slices that vary, all of them where none does.

    Padding at the ends is left out, as it is nothing like the slice beside it. Any other slice of
    one value is refused.
    """
    uniform = _uniform_slices(hu)
    varying = np.flatnonzero(~uniform)
    if not len(varying):
        return slice(0, len(hu))
    values, number = hu[:, 0, 0], np.arange(len(hu))
    between = (varying[0] < number) & (number < varying[-1])
    blank = np.flatnonzero(uniform & (between | (values > AIR_HU)))
    if len(blank):
        raise ScanError(
            f"blank slices: expected slices of one value only at the ends and up to {AIR_HU} HU, "
            f"got {len(blank)} of {len(hu)}, the first is slice {blank[0]} of {values[blank[0]]} HU"
        )
    return slice(int(varying[0]), int(varying[-1]) + 1)


def _uniform_slices(hu: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Which slices have one value; one row each is enough to clear nearly all that have more."""
    rows = hu[:, hu.shape[1] // 2]
    uniform: npt.NDArray[np.bool_] = (rows == rows[:, :1]).all(axis=1)
    for z in np.flatnonzero(uniform):
        uniform[z] = (hu[z] == hu[z, 0, 0]).all()
    return uniform


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
