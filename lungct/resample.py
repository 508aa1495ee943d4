"""A volume on another grid, interpolated once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.threads import for_each

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
Interpolation = Literal["linear", "nearest"]

# Slices of an oblique target that are resampled at a time; limits the copied part of the source.
_SLAB = 32


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
    Between grids of one direction this is done axis by axis, otherwise by SimpleITK.

    Args:
        volume: (z, y, x) int16, uint8 or float32.
        source: Its grid.
        target: Grid to resample to.
        interpolation: `linear` for HU and probabilities, `nearest` for masks.
        outside: Value of target voxels outside the source.

    Returns:
        Array of the target's shape and the volume's type, rounded where that has whole numbers.
    """
    shrink = _shrink_factors(source, target) if interpolation == "linear" else (1, 1, 1)
    if source.direction != target.direction:
        return _resample_oblique(volume, (source, target), shrink, interpolation, outside)
    # With SimpleITK here too a scan takes about half as long again: benchmarks/kernels.py.
    axes = [_axis(source, target, axis, shrink[2 - axis], interpolation) for axis in range(3)]
    result = np.empty(target.shape, dtype=volume.dtype)
    make = _linear_slice if interpolation == "linear" else _nearest_slice

    def fill(z: int) -> None:
        """Makes one slice; its voxels stay in the processor's cache meanwhile."""
        result[z] = outside
        make(volume, axes, z, result[z])

    for_each(target.shape[0], fill)
    return result


@dataclass(frozen=True)
class _Axis:
    """How the voxels of a target along one axis are interpolated from blocks of source voxels.

    Attributes:
        inside: Target voxels that lie in the source.
        source: Source voxels under them, from the start of a block.
        block: Source voxels averaged into one block.
        lower: For each target voxel inside, the block that it is made from, 0 for the first of
            `source`.
        upper: The block after that, or the same at the end of the source.
        share: What the upper block contributes, 0 to 1.
    """

    inside: slice
    source: slice
    block: int
    lower: IntArray
    upper: IntArray
    share: FloatArray


def _axis(
    source: Geometry, target: Geometry, axis: int, block: int, interpolation: Interpolation
) -> _Axis:
    """The interpolation along one axis (0 = z) between grids of the same direction."""
    size = source.shape[axis]
    blocks = -(-size // block)
    first = float(source.world_to_voxel(target.origin_mm)[axis])
    step = target.spacing_zyx_mm[axis] / source.spacing_zyx_mm[axis]
    # Without rounding the nearest voxel could depend on the last bit of a coordinate.
    voxels = np.round(first + step * np.arange(target.shape[axis]), 6)
    # As in ITK, half a voxel beyond the outer centres is inside and has the outer value.
    inside = (voxels >= -0.5) & (voxels < blocks * block - 0.5)
    places = np.clip((voxels[inside] - (block - 1) / 2) / block, 0, blocks - 1)
    if interpolation == "nearest":
        places = np.floor(places + 0.5)
    lower = places.astype(np.intp)
    upper = np.minimum(lower + 1, blocks - 1)
    start, stop = (int(lower[0]), int(upper[-1]) + 1) if len(places) else (0, 0)
    return _Axis(
        inside=slice(int(np.argmax(inside)), int(np.argmax(inside)) + len(places)),
        source=slice(start * block, min(stop * block, size)),
        block=block,
        lower=lower - start,
        upper=upper - start,
        share=(places - lower).astype(np.float32),
    )


def _nearest_slice(
    volume: npt.NDArray[Any], axes: Sequence[_Axis], index: int, result: npt.NDArray[Any]
) -> None:
    """Writes the part of one target slice that is inside the source, by the nearest voxels."""
    z, y, x = axes
    if z.inside.start <= index < z.inside.stop:
        plane = volume[z.source, y.source, x.source][z.lower[index - z.inside.start]]
        result[y.inside, x.inside] = plane.take(y.lower, axis=0).take(x.lower, axis=1)


def _linear_slice(
    volume: npt.NDArray[Any], axes: Sequence[_Axis], index: int, result: npt.NDArray[Any]
) -> None:
    """Writes the part of one target slice that is inside the source, interpolated."""
    z, y, x = axes
    if z.inside.start <= index < z.inside.stop:
        slices = volume[z.source, y.source, x.source]
        plane = _between_slices(slices, z, index - z.inside.start)
        plane = _between_lines(_between_lines(plane, y, 0), x, 1)
        result[y.inside, x.inside] = _as_stored(plane, result.dtype)


def _as_stored(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Interpolated values, rounded in place where they are to be whole numbers."""
    between = np.issubdtype(values.dtype, np.floating) and np.issubdtype(dtype, np.integer)
    return np.rint(values, out=values) if between else values


def _between_slices(slices: npt.NDArray[Any], z: _Axis, index: int) -> FloatArray:
    """One slice interpolated between two blocks of source slices."""
    share = float(z.share[index])
    plane = np.zeros(slices.shape[1:], dtype=np.float32)
    for block, weight in ((z.lower[index], 1 - share), (z.upper[index], share)):
        for number in range(block * z.block, (block + 1) * z.block):
            # A last block that the source does not fill is filled with its last slice.
            source = slices[min(number, len(slices) - 1)]
            plane += np.multiply(source, np.float32(weight / z.block), dtype=np.float32)
    return plane


def _between_lines(plane: FloatArray, along: _Axis, axis: int) -> FloatArray:
    """A slice interpolated along its rows or columns."""
    plane = _block_means(plane, along.block, axis)
    lower, upper = plane.take(along.lower, axis), plane.take(along.upper, axis)
    upper -= lower
    upper *= along.share[:, None] if axis == 0 else along.share
    lower += upper
    return lower


def _block_means(plane: FloatArray, block: int, axis: int) -> FloatArray:
    """Means of blocks of lines, the last block filled with the last line."""
    if block == 1:
        return plane
    missing = [0, 0]
    missing[axis] = -plane.shape[axis] % block
    lines = np.moveaxis(np.pad(plane, [(0, count) for count in missing], mode="edge"), axis, 0)
    total = lines[::block].copy()
    for start in range(1, block):
        total += lines[start::block]
    total /= np.float32(block)
    return np.moveaxis(total, 0, axis)


def _resample_oblique(
    volume: npt.NDArray[Any],
    grids: tuple[Geometry, Geometry],
    shrink: tuple[int, int, int],
    interpolation: Interpolation,
    outside: int,
) -> npt.NDArray[Any]:
    """SimpleITK's resampling from a grid to one of another direction, slab by slab."""
    source, target = grids
    result = np.full(target.shape, outside, dtype=volume.dtype)
    for start in range(0, target.shape[0], _SLAB):
        z, y, x = target.whole
        slab = target.crop((slice(start, min(start + _SLAB, z.stop)), y, x))
        box = _source_box(source, slab, shrink)
        if box is None:
            continue
        # SimpleITK does not round what it interpolates between whole numbers.
        part = volume[box].astype(volume.dtype if interpolation == "nearest" else np.float32)
        image = _shrunk_image(part, source.crop(box), shrink)
        moved = _resample_slab(image, slab, interpolation, outside)
        found = _as_stored(sitk.GetArrayFromImage(moved), result.dtype)
        result[start : start + slab.shape[0]] = found
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
    bounds = source.voxel_bounds(*target.world_box(target.whole))
    slices = []
    for size, block, low, high in zip(source.shape, shrink[::-1], *bounds, strict=True):
        start = int(np.floor(low)) - block
        stop = int(np.ceil(high)) + block + 1
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
