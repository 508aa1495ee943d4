"""The working grid of one scan: axis-aligned, laid around its region of interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.lung.airspace import Box
from lungct.scan import Nodule


def geometry_around(
    scan_geometry: Geometry, region: Box, grid: Grid, nodules: Sequence[Nodule] = ()
) -> Geometry:
    """The working grid of one scan.

    It covers the region with its margin and every nodule, as far as the scan goes. No voxel has its
    centre outside the scan.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        region: Box around the region on that grid, slices (z, y, x).
        grid: Spacing and margin of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        Geometry with identity direction.
    """
    scan_low, scan_high = scan_geometry.world_box(scan_geometry.whole)
    low, high = scan_geometry.world_box(region)
    low, high = low - grid.margin_mm, high + grid.margin_mm
    for nodule in nodules:
        low = np.minimum(low, np.asarray(nodule.centre_mm) - nodule.diameter_mm / 2)
        high = np.maximum(high, np.asarray(nodule.centre_mm) + nodule.diameter_mm / 2)
    low, high = np.maximum(low, scan_low), np.minimum(high, scan_high)
    axes = [
        _place((low[axis], high[axis]), (scan_low[axis], scan_high[axis]), spacing_mm)
        for axis, spacing_mm in enumerate(grid.spacing_mm[::-1])
    ]
    (x, columns), (y, rows), (z, slices) = axes
    return Geometry(
        shape=(slices, rows, columns),
        origin_mm=(x, y, z),
        spacing_mm=(grid.spacing_mm[2], grid.spacing_mm[1], grid.spacing_mm[0]),
    )


def _place(
    wanted_mm: tuple[float, float], scan_mm: tuple[float, float], spacing_mm: float
) -> tuple[float, int]:
    """First centre and count of voxels along one axis.

    As many as cover what is wanted, but not more than have their centres in the scan; around the
    middle of what is wanted, moved as far as the ends of the scan ask for.
    """
    # Without rounding the count could depend on the last bit of a coordinate.
    covering = int(np.ceil(np.round((wanted_mm[1] - wanted_mm[0]) / spacing_mm, 6)))
    inside = int(np.floor(np.round((scan_mm[1] - scan_mm[0]) / spacing_mm, 6) + 0.5))
    count = max(min(covering, inside), 1)
    length_mm = count * spacing_mm
    start_mm = (wanted_mm[0] + wanted_mm[1] - length_mm) / 2
    if length_mm <= scan_mm[1] - scan_mm[0]:
        start_mm = min(max(start_mm, scan_mm[0]), scan_mm[1] - length_mm)
    else:
        start_mm = (scan_mm[0] + scan_mm[1] - length_mm) / 2
    return float(start_mm + spacing_mm / 2), count
