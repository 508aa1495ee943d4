"""The working grid: axis-aligned, of one spacing for all scans, laid around the lungs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import FloatArray, Geometry
from lungct.lung import lung_box
from lungct.scan import Nodule, ScanError

Interpolation = Literal["linear", "nearest"]

# Slices of the target that are resampled at a time; bounds the copy of the source.
_SLAB = 32


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
    """The working grid of one scan.

    In plane the window is centred on the lungs and moved only as far as a nodule asks for. Along z
    it covers the lungs with their margin and every nodule, as far as the scan goes.

    Args:
        scan_geometry: Grid of the scan, any direction cosines.
        lung_mask: (z, y, x) bool on that grid.
        config: Spacing and size of the working grid.
        nodules: Nodules whose centres lie in the scan.

    Returns:
        Geometry with identity direction and `slice_size` pixels along y and x.

    Raises:
        ScanError: The mask is empty, or the lungs or a nodule don't fit the window.
    """
    scan_low, scan_high = scan_geometry.world_box(scan_geometry.whole)
    lung_low, lung_high = scan_geometry.world_box(lung_box(lung_mask))
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
    # Rounding keeps the count of slices from hanging on the last bit of a coordinate.
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


def resample(
    volume: npt.NDArray[Any],
    source: Geometry,
    target: Geometry,
    interpolation: Interpolation = "linear",
    outside: int = 0,
) -> npt.NDArray[Any]:
    """A volume on another grid, interpolated once.

    Linear interpolation averages whole blocks of voxels first where the target is at least twice
    as coarse, so that noise does not alias. Only the part of the source under the target is read.

    Args:
        volume: (z, y, x) int16 or uint8.
        source: Its grid.
        target: Grid to resample to.
        interpolation: `linear` for HU, `nearest` for masks.
        outside: Value of target voxels outside the source.

    Returns:
        Array of the target's shape and the volume's type.
    """
    shrink = _shrink_factors(source, target) if interpolation == "linear" else (1, 1, 1)
    result = np.full(target.shape, outside, dtype=volume.dtype)
    for start in range(0, target.shape[0], _SLAB):
        z, y, x = target.whole
        slab = target.crop((slice(start, min(start + _SLAB, z.stop)), y, x))
        box = _source_box(source, slab, shrink)
        if box is None:
            continue
        image = _shrunk_image(np.ascontiguousarray(volume[box]), source.crop(box), shrink)
        moved = _resample_slab(image, slab, interpolation, outside)
        result[start : start + slab.shape[0]] = sitk.GetArrayViewFromImage(moved)
    return result


def _shrink_factors(source: Geometry, target: Geometry) -> tuple[int, int, int]:
    """Source voxels (x, y, z) that fit into one target voxel along each source axis."""
    # A target step along each world axis, seen along each source axis.
    cosines = np.abs(np.asarray(source.direction).reshape(3, 3))
    steps_mm = cosines.T @ np.asarray(target.spacing_mm)
    factors = np.floor(steps_mm / np.asarray(source.spacing_mm) + 1e-6).astype(int)
    x, y, z = (max(1, int(factor)) for factor in factors)
    return x, y, z


def _source_box(
    source: Geometry, target: Geometry, shrink: tuple[int, int, int]
) -> tuple[slice, slice, slice] | None:
    """Source voxels that a target grid needs, in whole blocks; None where it misses the source."""
    low, high = target.world_box(target.whole)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, 8).T
    zyx = source.world_to_voxel(corners)
    slices = []
    for axis, (size, block) in enumerate(zip(source.shape, shrink[::-1], strict=True)):
        start = int(np.floor(zyx[:, axis].min())) - block
        stop = int(np.ceil(zyx[:, axis].max())) + block + 1
        start, stop = max(start // block * block, 0), min(-(-stop // block) * block, size)
        if start >= stop:
            return None
        slices.append(slice(start, stop))
    return slices[0], slices[1], slices[2]


def _shrunk_image(
    volume: npt.NDArray[Any], geometry: Geometry, shrink: tuple[int, int, int]
) -> sitk.Image:
    """A SimpleITK image of a volume, blocks of voxels averaged."""
    # Edge blocks that the volume does not fill are filled with its last voxels.
    missing = [-size % block for size, block in zip(volume.shape, shrink[::-1], strict=True)]
    if any(missing):
        volume = np.pad(volume, [(0, count) for count in missing], mode="edge")
    image = sitk.GetImageFromArray(volume)
    image.SetOrigin(geometry.origin_mm)
    image.SetSpacing(geometry.spacing_mm)
    image.SetDirection(geometry.direction)
    return sitk.BinShrink(image, shrink) if max(shrink) > 1 else image


def _resample_slab(
    image: sitk.Image, target: Geometry, interpolation: Interpolation, outside: int
) -> sitk.Image:
    """SimpleITK's resampling onto a grid."""
    return sitk.Resample(
        image,
        target.shape[::-1],
        sitk.Transform(),
        sitk.sitkLinear if interpolation == "linear" else sitk.sitkNearestNeighbor,
        target.origin_mm,
        target.spacing_mm,
        target.direction,
        outside,
    )
