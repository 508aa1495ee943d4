"""Lung mask: the region of interest, with vessels and pleural nodules inside, airways outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lungct.airspace import AIR_HU, Box, CoarseScan, find_lungs, padded_box
from lungct.geometry import Geometry
from lungct.orientation import to_patient_axes
from lungct.scan import ScanError

BoolArray = npt.NDArray[np.bool_]
HuArray = npt.NDArray[np.int16]

COARSE_MM = 2.5

# Dents of the border up to about this wide are filled, in plane.
DENT_MM = 3.0

# Thresholds that no HU and every HU lies below.
_NEVER, _ALWAYS = np.iinfo(np.int16).min, np.iinfo(np.int16).max


def lung_mask(hu: HuArray, geometry: Geometry) -> BoolArray:
    """Both lungs, or the one that is there.

    Lungs are found on a grid of about COARSE_MM; only their border is drawn again from the
    full-resolution voxels.

    Args:
        hu: (z, y, x) int16 Hounsfield units.
        geometry: Grid of the volume, any direction cosines.

    Returns:
        (z, y, x) bool mask on the same grid, never empty.

    Raises:
        ScanError: By the rules `no air`, `no tissue` and `no lung`.
    """
    view, grid = to_patient_axes(hu, geometry)
    steps = [max(1, round(COARSE_MM / mm)) for mm in grid.spacing_zyx_mm]
    coarse = np.ascontiguousarray(view[:: steps[0], :: steps[1], :: steps[2]])
    z, y, x = (mm * step for mm, step in zip(grid.spacing_zyx_mm, steps, strict=True))
    thresholds = _thresholds(CoarseScan(coarse, (z, y, x)))
    mask = np.zeros(hu.shape, dtype=np.bool_)
    target = to_patient_axes(mask, geometry)[0]
    rows, columns = _refine(view, thresholds, steps, target)
    reach = [math.ceil(DENT_MM / mm) for mm in grid.spacing_zyx_mm[1:]]
    for plane in target[:, rows, columns]:
        _fill_dents(plane, reach)
    return mask


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


def _fill_dents(plane: BoolArray, reach: Sequence[int]) -> None:
    """Adds the pixels that have lung within reach above, below, left and right.

    A small nodule at the pleura falls between the coarse voxels; this brings it back.

    Args:
        plane: (y, x) bool, changed in place.
        reach: Pixels along (y, x).
    """
    enclosed = np.ones_like(plane)
    for axis, distance in enumerate(reach):
        here = np.moveaxis(plane, axis, 0)
        before, after = np.zeros_like(here), np.zeros_like(here)
        for shift in range(1, min(distance, len(here) - 1) + 1):
            before[shift:] |= here[:-shift]
            after[:-shift] |= here[shift:]
        np.logical_and(enclosed, np.moveaxis(before & after, 0, axis), out=enclosed)
    plane |= enclosed


def _refine(
    view: HuArray, thresholds: HuArray, steps: Sequence[int], target: BoolArray
) -> tuple[slice, slice]:
    """Compares the fine voxels with the threshold of the nearest coarse one, slice by slice.

    Returns:
        The rows and columns that may hold lung.
    """
    box = padded_box(thresholds > _NEVER)
    fine = [
        _fine_range(axis, step, size)
        for axis, step, size in zip(box, steps, view.shape, strict=True)
    ]
    nearest = [
        np.minimum((indices + step // 2) // step, size - 1)
        for indices, step, size in zip(fine, steps, thresholds.shape, strict=True)
    ]
    rows, columns = (slice(int(axis[0]), int(axis[-1]) + 1) for axis in fine[1:])
    for z, coarse_z in zip(fine[0], nearest[0], strict=True):
        plane = thresholds[coarse_z].take(nearest[1], axis=0).take(nearest[2], axis=1)
        np.less(view[z, rows, columns], plane, out=target[z, rows, columns])
    return rows, columns


def _fine_range(coarse: slice, step: int, size: int) -> npt.NDArray[np.int64]:
    """Fine indices that may be nearest to a range of coarse ones."""
    return np.arange(max((coarse.start - 1) * step, 0), min(coarse.stop * step, size))
