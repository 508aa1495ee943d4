"""The working grid: axis-aligned, of one spacing for all scans, laid around the lungs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import FloatArray, Geometry
from lungct.lung.airspace import Box
from lungct.lung.mask import lung_box
from lungct.scan import Nodule, ScanError


@dataclass(frozen=True)
class GridConfig:
    """What the configuration says about the working grid.

    Attributes:
        spacing_mm: Spacing (z, y, x) of the working grid.
        slice_size: Pixels along both sides of a slice.
        context: Neighbouring slices on each side that become channels.
        lung_margin_mm: How far the slices go on above and below the lungs.
    """

    spacing_mm: tuple[float, float, float]
    slice_size: int
    context: int
    lung_margin_mm: float

    def __post_init__(self) -> None:
        """Checks every field; raises ValueError naming what was expected and what came."""
        if len(self.spacing_mm) != 3 or not all(0 < mm < np.inf for mm in self.spacing_mm):
            raise ValueError(f"expected 3 positive spacings in mm, got {self.spacing_mm}")
        if self.slice_size < 1 or self.context < 0:
            sizes = (self.slice_size, self.context)
            raise ValueError(f"expected a slice size from 1 and a context from 0, got {sizes}")
        if not 0 <= self.lung_margin_mm < np.inf:
            raise ValueError(f"expected a lung margin from 0 mm, got {self.lung_margin_mm}")


def working_geometry(
    scan_geometry: Geometry,
    lung_mask: npt.NDArray[np.bool_],
    config: GridConfig,
    nodules: Sequence[Nodule] = (),
) -> Geometry:
    """The working grid of one scan, laid around its lung mask.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        lung_mask: (z, y, x) bool on that grid.
        config: Spacing and size of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        See `geometry_around`.

    Raises:
        ScanError: The mask is empty, or the lungs or a nodule don't fit the window.
    """
    return geometry_around(scan_geometry, lung_box(lung_mask), config, nodules)


def geometry_around(
    scan_geometry: Geometry, lungs: Box, config: GridConfig, nodules: Sequence[Nodule] = ()
) -> Geometry:
    """The working grid of one scan.

    In plane the window is centred on the lungs and moved only as far as a nodule asks for. Along z
    it covers the lungs with their margin and every nodule, as far as the scan goes.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        lungs: Box around the lungs on that grid, slices (z, y, x).
        config: Spacing and size of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        Geometry with identity direction and `slice_size` pixels along y and x.

    Raises:
        ScanError: The lungs or a nodule don't fit the window.
    """
    scan_low, scan_high = scan_geometry.world_box(scan_geometry.whole)
    lung_low, lung_high = scan_geometry.world_box(lungs)
    low, high = lung_low.copy(), lung_high.copy()
    low[2] -= config.lung_margin_mm
    high[2] += config.lung_margin_mm
    for nodule in nodules:
        low = np.minimum(low, np.asarray(nodule.centre_mm) - nodule.diameter_mm / 2)
        high = np.maximum(high, np.asarray(nodule.centre_mm) + nodule.diameter_mm / 2)
    low, high = np.maximum(low, scan_low), np.minimum(high, scan_high)
    spacing_xy = np.asarray(config.spacing_mm[:0:-1], dtype=np.float64)
    window_mm = np.asarray(config.slice_size * spacing_xy)
    _check_window("lungs", lung_high[:2] - lung_low[:2], window_mm)
    _check_window(f"lungs and nodules {_names(nodules)}", high[:2] - low[:2], window_mm)
    centred = (lung_low[:2] + lung_high[:2] - window_mm) / 2
    corner = np.clip(centred, high[:2] - window_mm, low[:2])
    # Without rounding the number of slices could depend on the last bit of a coordinate.
    slices = int(np.ceil(np.round((high[2] - low[2]) / config.spacing_mm[0], 6)))
    x, y = (float(mm) for mm in corner + spacing_xy / 2)
    return Geometry(
        shape=(max(slices, 1), config.slice_size, config.slice_size),
        origin_mm=(x, y, float(low[2]) + config.spacing_mm[0] / 2),
        spacing_mm=(config.spacing_mm[2], config.spacing_mm[1], config.spacing_mm[0]),
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
