"""Lung mask, with vessels and pleural nodules inside, airways outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.lung.airspace import Box, CoarseScan, find_lungs, padded_box
from lungct.lung.plausible import check_chest
from lungct.orientation import to_patient_axes
from lungct.readers.continuity import check_continuity
from lungct.scan import AIR_HU, ScanError
from lungct.threads import for_each

BoolArray = npt.NDArray[np.bool_]
HuArray = npt.NDArray[np.int16]

COARSE_MM = 2.5

# Dents of the border up to about this wide are filled, in plane.
DENT_MM = 3.0

# Thresholds that no HU and every HU lies below.
_NEVER, _ALWAYS = np.iinfo(np.int16).min, np.iinfo(np.int16).max


def lung_mask(hu: HuArray, geometry: Geometry) -> BoolArray:
    """Both lungs, or the one that is there.

    Args:
        hu: (z, y, x) int16 Hounsfield units.
        geometry: Grid of the volume, any direction cosines.

    Returns:
        (z, y, x) bool mask on the same grid, never empty.

    Raises:
        ScanError: By the rules of `check_continuity`, by `no air`, `no tissue` and `no lung`, and
            by `implausible` where the lungs found look like none.
    """
    box, lungs = lungs_in_box(*to_patient_axes(hu, geometry))
    mask = np.zeros(hu.shape, dtype=np.bool_)
    to_patient_axes(mask, geometry)[0][box] = lungs
    return mask


def lungs_in_box(hu: HuArray, geometry: Geometry) -> tuple[Box, BoolArray]:
    """The lungs of a scan whose axes run along the patient's.

    Lungs are found on a grid of about COARSE_MM; only their border is drawn again from the
    full-resolution voxels.

    Args:
        hu: (z, y, x) int16 Hounsfield units, see `to_patient_axes`.
        geometry: Grid of the volume.

    Returns:
        Slices (z, y, x) of the smallest box that holds both lungs, or the one that is there, and
        their (z, y, x) bool mask in it.

    Raises:
        ScanError: By the rules of `check_continuity`, by `no air`, `no tissue` and `no lung`, and
            by `implausible` where the lungs found look like none.
    """
    check_continuity(hu)
    steps = [max(1, round(COARSE_MM / mm)) for mm in geometry.spacing_zyx_mm]
    coarse = np.ascontiguousarray(hu[:: steps[0], :: steps[1], :: steps[2]])
    z, y, x = (mm * step for mm, step in zip(geometry.spacing_zyx_mm, steps, strict=True))
    thresholds = _thresholds(CoarseScan(coarse, (z, y, x)))
    reach = [math.ceil(DENT_MM / mm) for mm in geometry.spacing_zyx_mm[1:]]
    start, mask = _draw(hu, thresholds, steps, reach)
    inner = lung_box(mask)
    z_range, y_range, x_range = (
        slice(first + axis.start, first + axis.stop)
        for first, axis in zip(start, inner, strict=True)
    )
    return (z_range, y_range, x_range), mask[inner]


def lung_box(mask: BoolArray) -> Box:
    """Smallest box around a lung mask.

    Args:
        mask: (z, y, x) bool.

    Returns:
        Slices (z, y, x).

    Raises:
        ScanError: The mask is empty.
    """
    if not mask.any():
        raise ScanError(f"no lung: expected a mask with voxels, got an empty one of {mask.shape}")
    return padded_box(mask)


def _thresholds(scan: CoarseScan) -> HuArray:
    """For each coarse voxel the HU below which its fine voxels are lung.

    Always within the lungs and where closing filled them, never outside, AIR_HU at the border.
    """
    lungs = find_lungs(scan)
    check_chest(scan, lungs)
    box = padded_box(lungs, margin=1)
    closed, air = lungs[box], scan.hu[box] < AIR_HU
    part = np.full(closed.shape, _NEVER, dtype=np.int16)
    part[_grown(closed) & (closed | ~air)] = AIR_HU
    part[closed & (~_grown(~closed) | ~air)] = _ALWAYS
    thresholds = np.full(scan.hu.shape, _NEVER, dtype=np.int16)
    thresholds[box] = part
    return thresholds


def _grown(mask: BoolArray) -> BoolArray:
    """A mask and its face neighbours."""
    grown = mask.copy()
    for axis in range(3):
        here, there = np.moveaxis(mask, axis, 0), np.moveaxis(grown, axis, 0)
        there[1:] |= here[:-1]
        there[:-1] |= here[1:]
    return grown


def _draw(
    hu: HuArray, thresholds: HuArray, steps: Sequence[int], reach: Sequence[int]
) -> tuple[list[int], BoolArray]:
    """Compares the fine voxels with the threshold of the nearest coarse one and fills dents.

    Args:
        hu: (z, y, x) int16 Hounsfield units.
        thresholds: The same on the coarse grid, from `_thresholds`.
        steps: Fine voxels per coarse one along (z, y, x).
        reach: See `_fill_dents`.

    Returns:
        First voxel (z, y, x) and bool mask of a box that holds all lung.
    """
    box = padded_box(thresholds > _NEVER)
    fine = [
        _fine_range(axis, step, size) for axis, step, size in zip(box, steps, hu.shape, strict=True)
    ]
    nearest = [
        np.minimum((indices + step // 2) // step, size - 1)
        for indices, step, size in zip(fine, steps, thresholds.shape, strict=True)
    ]
    rows, columns = (slice(int(axis[0]), int(axis[-1]) + 1) for axis in fine[1:])
    mask = np.empty([len(axis) for axis in fine], dtype=np.bool_)

    def draw(index: int) -> None:
        """Makes one slice."""
        plane = thresholds[nearest[0][index]].take(nearest[1], axis=0).take(nearest[2], axis=1)
        np.less(hu[fine[0][index], rows, columns], plane, out=mask[index])
        _fill_dents(mask[index], reach)

    for_each(len(mask), draw)
    return [int(axis[0]) for axis in fine], mask


def _fine_range(coarse: slice, step: int, size: int) -> npt.NDArray[np.int64]:
    """Fine indices that may be nearest to a range of coarse ones."""
    return np.arange(max((coarse.start - 1) * step, 0), min(coarse.stop * step, size))


def _fill_dents(plane: BoolArray, reach: Sequence[int]) -> None:
    """Adds the pixels that have lung within reach on three of their four sides in plane.

    A small nodule at the pleura falls between the coarse voxels; this brings it back. Towards the
    chest wall it has no lung.

    Args:
        plane: (y, x) bool, changed in place.
        reach: Pixels along (y, x), at least 1.
    """
    sides = [_sides(plane, axis, distance) for axis, distance in enumerate(reach)]
    (rows_before, rows_after), (columns_before, columns_after) = sides
    plane |= (rows_before & rows_after & (columns_before | columns_after)) | (
        columns_before & columns_after & (rows_before | rows_after)
    )


def _sides(plane: BoolArray, axis: int, reach: int) -> tuple[BoolArray, BoolArray]:
    """Where there is lung within reach before, and where after, along an axis."""
    here = np.moveaxis(plane, axis, 0)
    before, after = np.zeros_like(plane), np.zeros_like(plane)
    np.moveaxis(before, axis, 0)[1:] = _swept(here, reach)[:-1]
    np.moveaxis(after, axis, 0)[:-1] = _swept(here[::-1], reach)[::-1][1:]
    return before, after


def _swept(mask: BoolArray, count: int) -> BoolArray:
    """A mask together with itself moved by 1, 2, ... count - 1 along the first axis."""
    swept, done = mask, 1
    while done < count:
        # What was swept already is moved as a whole, so that few moves are enough.
        step = min(done, count - done)
        moved = swept.copy()
        moved[step:] |= swept[:-step]
        swept, done = moved, done + step
    return swept
