"""The working grid of one scan: axis-aligned, laid around its region of interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lungct.geometry import FloatArray, Geometry
from lungct.grid import Grid
from lungct.lung.airspace import Box
from lungct.scan import Nodule, ScanError


def geometry_around(
    scan_geometry: Geometry, region: Box, grid: Grid, nodules: Sequence[Nodule] = ()
) -> Geometry:
    """The working grid of one scan.

    In plane the window is centred on the region and moved only as far as a nodule asks for. Along z
    it covers the region with its margin and every nodule, as far as the scan goes.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        region: Box around the region on that grid, slices (z, y, x).
        grid: Spacing and size of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        Geometry with identity direction and `slice_size` pixels along y and x.

    Raises:
        ScanError: The region or a nodule don't fit the window.
    """
    scan_low, scan_high = scan_geometry.world_box(scan_geometry.whole)
    region_low, region_high = scan_geometry.world_box(region)
    low, high = region_low.copy(), region_high.copy()
    low[2] -= grid.margin_mm
    high[2] += grid.margin_mm
    for nodule in nodules:
        low = np.minimum(low, np.asarray(nodule.centre_mm) - nodule.diameter_mm / 2)
        high = np.maximum(high, np.asarray(nodule.centre_mm) + nodule.diameter_mm / 2)
    low, high = np.maximum(low, scan_low), np.minimum(high, scan_high)
    spacing_xy = np.asarray(grid.spacing_mm[:0:-1], dtype=np.float64)
    window_mm = np.asarray(grid.slice_size * spacing_xy)
    _check_window("the region", region_high[:2] - region_low[:2], window_mm)
    _check_window(f"the region and nodules {_names(nodules)}", high[:2] - low[:2], window_mm)
    centred = (region_low[:2] + region_high[:2] - window_mm) / 2
    corner = np.clip(centred, high[:2] - window_mm, low[:2])
    # Without rounding the count of slices could depend on the last bit of a coordinate.
    slices = int(np.ceil(np.round((high[2] - low[2]) / grid.spacing_mm[0], 6)))
    x, y = (float(mm) for mm in corner + spacing_xy / 2)
    return Geometry(
        shape=(max(slices, 1), grid.slice_size, grid.slice_size),
        origin_mm=(x, y, float(low[2]) + grid.spacing_mm[0] / 2),
        spacing_mm=(grid.spacing_mm[2], grid.spacing_mm[1], grid.spacing_mm[0]),
    )


def _check_window(what: str, size_mm: FloatArray, window_mm: FloatArray) -> None:
    """Refuses what is larger than the slice window, whose sizes are (x, y)."""
    if np.any(size_mm > window_mm + 1e-6):
        raise ScanError(
            f"expected {what} within the slice window of {window_mm[0]:.1f} x {window_mm[1]:.1f} "
            f"mm, got {size_mm[0]:.1f} x {size_mm[1]:.1f} mm"
        )


def _names(nodules: Sequence[Nodule]) -> str:
    """Identifiers and centres of nodules for a message."""
    return ", ".join(f"{n.nodule_id} at {n.centre_mm}" for n in nodules) or "none"
