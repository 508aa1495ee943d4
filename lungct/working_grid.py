"""The working grid of one scan: axis-aligned, laid around its region of interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lungct.geometry import FloatArray, Geometry
from lungct.grid import Grid
from lungct.lung.airspace import Box
from lungct.scan import Nodule

# Without rounding the number of slices could depend on the last bit of a coordinate.
_DECIMALS = 6


def geometry_around(
    scan_geometry: Geometry, region: Box, grid: Grid, nodules: Sequence[Nodule] = ()
) -> Geometry:
    """The working grid of one scan.

    It covers the region with its margin and every nodule, as far as the scan goes. The centre of
    no slice, row or column lies outside of the scan.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        region: Box around the region on that grid, slices (z, y, x).
        grid: Spacing and margin of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        Geometry with identity direction.
    """
    scan = scan_geometry.world_box(scan_geometry.whole)
    low, high = _wanted(scan_geometry.world_box(region), grid.margin_mm, nodules)
    wanted = np.maximum(low, scan[0]), np.minimum(high, scan[1])
    spacing_mm = np.asarray(grid.spacing_mm[::-1], dtype=np.float64)
    counts = _counts(wanted[1] - wanted[0], scan[1] - scan[0], spacing_mm)
    corner = _corner(wanted, scan, counts * spacing_mm)
    x, y, z = (float(mm) for mm in corner + spacing_mm / 2)
    columns, rows, slices = (int(count) for count in counts)
    return Geometry(
        shape=(slices, rows, columns),
        origin_mm=(x, y, z),
        spacing_mm=(grid.spacing_mm[2], grid.spacing_mm[1], grid.spacing_mm[0]),
    )


def _wanted(
    region: tuple[FloatArray, FloatArray], margin_mm: float, nodules: Sequence[Nodule]
) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest world (x, y, z) in mm of the region with its margin and the nodules."""
    low, high = region[0] - margin_mm, region[1] + margin_mm
    for nodule in nodules:
        low = np.minimum(low, np.asarray(nodule.centre_mm) - nodule.diameter_mm / 2)
        high = np.maximum(high, np.asarray(nodule.centre_mm) + nodule.diameter_mm / 2)
    return low, high


def _counts(extent_mm: FloatArray, scan_mm: FloatArray, spacing_mm: FloatArray) -> FloatArray:
    """Voxels along each axis: as many as cover the extent, no more than the scan has room for."""
    covering = np.ceil(np.round(extent_mm / spacing_mm, _DECIMALS))
    room = np.floor(np.round(scan_mm / spacing_mm + 0.5, _DECIMALS))
    return np.asarray(np.maximum(np.minimum(covering, room), 1))


def _corner(
    wanted: tuple[FloatArray, FloatArray], scan: tuple[FloatArray, FloatArray], size_mm: FloatArray
) -> FloatArray:
    """Lowest corner of the grid: centred on what is wanted, moved to stay within the scan.

    A grid that is larger than the scan is centred on the scan.
    """
    centred = (wanted[0] + wanted[1] - size_mm) / 2
    on_scan = (scan[0] + scan[1] - size_mm) / 2
    moved = np.clip(centred, np.minimum(scan[0], on_scan), np.maximum(scan[1] - size_mm, on_scan))
    return np.asarray(np.where(size_mm > scan[1] - scan[0], on_scan, moved))
