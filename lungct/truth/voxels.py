"""Nodules that are voxels of the scan, on its own and on any other grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry, direction_matrix
from lungct.orientation import to_patient_axes
from lungct.scan import Nodule
from lungct.truth.spheres import Box, NodulePatch, equivalent_diameter_mm

Mask = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

# How far direction cosines may be from 0 and ±1: 0.03 mm at the far end of a nodule of 30 mm.
_AXIS_TOLERANCE = 1e-3

# Points of a voxel at which masks of oblique scans are looked up.
POINTS = 256


@dataclass(frozen=True)
class VoxelNodule:
    """A nodule as whole voxels of the scan.

    Attributes:
        nodule: Centre of mass, and diameter of the sphere of the same volume.
        box: Slices (z, y, x) of the scan's own grid.
        geometry: The scan's grid within the box.
        mask: (z, y, x) in the box, never empty: bool, or the share of each voxel that lies inside.
    """

    nodule: Nodule
    box: Box
    geometry: Geometry
    mask: Mask

    @property
    def extent(self) -> Nodule:
        """A ball around the middle of the box as wide as its longest side, for laying out grids."""
        low, high = self.geometry.world_box(self.geometry.whole)
        x, y, z = (float(mm) for mm in (low + high) / 2)
        return Nodule(self.nodule.nodule_id, (x, y, z), float((high - low).max()))


def voxel_nodule(nodule_id: str, box: Box, mask: Mask, geometry: Geometry) -> VoxelNodule:
    """Measures a nodule that a mask shows.

    Args:
        nodule_id: Its name, unique within the scan.
        box: Slices (z, y, x) of the scan's grid that hold it, with or without a border.
        mask: (z, y, x) bool or shares in the box, not empty.
        geometry: The scan's grid, any direction cosines.

    Returns:
        The nodule in the smallest box that holds it.
    """
    box, mask = tight(box, mask)
    grid = geometry.crop(box)
    held = mask[mask > 0].astype(np.float64)
    middle = np.average(np.argwhere(mask), axis=0, weights=held)
    x, y, z = (float(mm) for mm in grid.voxel_to_world(middle))
    diameter_mm = equivalent_diameter_mm(float(held.sum()) * grid.voxel_volume_mm3)
    return VoxelNodule(Nodule(nodule_id, (x, y, z), diameter_mm), box, grid, mask)


def tight(box: Box, mask: Mask) -> tuple[Box, Mask]:
    """The smallest box within another one that holds a mask, and the mask in it.

    Args:
        box: Slices (z, y, x) of a grid.
        mask: (z, y, x) bool or shares in that box, not empty.

    Returns:
        Slices of the same grid and a copy of that part of the mask.
    """
    inner = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        inner.append(slice(int(hit[0]), int(hit[-1]) + 1))
    z, y, x = (
        slice(outer.start + part.start, outer.start + part.stop)
        for outer, part in zip(box, inner, strict=True)
    )
    return (z, y, x), mask[tuple(inner)].copy()


def native_patches(nodules: Sequence[VoxelNodule]) -> tuple[NodulePatch, ...]:
    """Masks on the scan's own grid.

    Args:
        nodules: The nodules.

    Returns:
        A patch for each, its coverage 0 or 1 where the mask is no share.
    """
    return tuple(NodulePatch(n.nodule, n.box, n.mask.astype(np.float32)) for n in nodules)


def coverage_patches(nodules: Sequence[VoxelNodule], target: Geometry) -> tuple[NodulePatch, ...]:
    """Masks on another grid, where each voxel has the share of it that lies inside.

    The voxels of the scan are taken as solid boxes. Where their axes run along the world's the
    share is exact, and the volume is that of the mask as far as the grid goes; in an oblique scan
    it is counted in POINTS points of each voxel.

    Args:
        nodules: The nodules, on a grid of any direction cosines.
        target: A grid with identity direction.

    Returns:
        A patch for each nodule that reaches into the grid.
    """
    patches = (_coverage_patch(nodule, target) for nodule in nodules)
    return tuple(patch for patch in patches if patch is not None)


def _coverage_patch(nodule: VoxelNodule, target: Geometry) -> NodulePatch | None:
    """One mask on another grid; None where it lies outside."""
    mask, source = to_patient_axes(nodule.mask, nodule.geometry)
    if not runs_along_world(source.direction):
        return _sampled_patch(nodule, target)
    box, shares = [], []
    for axis in range(3):
        start, share = _axis_shares(source, target, axis)
        box.append(slice(start, start + len(share)))
        shares.append(share)
    coverage = np.einsum("zk,yj,xi,kji->zyx", *shares, mask.astype(np.float64), optimize=True)
    if not coverage.any():
        return None
    clipped = np.clip(coverage, 0, 1).astype(np.float32)
    return NodulePatch(nodule.nodule, (box[0], box[1], box[2]), clipped)


def runs_along_world(direction: tuple[float, ...]) -> bool:
    """Whether each axis runs along its own axis of the world, forwards or backwards.

    Args:
        direction: Nine direction cosines as in `Geometry`.

    Returns:
        False for permuted and oblique axes.
    """
    return bool(np.abs(np.abs(direction_matrix(direction)) - np.eye(3)).max() <= _AXIS_TOLERANCE)


def _sampled_patch(nodule: VoxelNodule, target: Geometry) -> NodulePatch | None:
    """One mask of an oblique scan on another grid; None where it lies outside."""
    first, last = target.voxel_bounds(*nodule.geometry.world_box(nodule.geometry.whole))
    start = np.clip(np.floor(first + 0.5), 0, target.shape).astype(np.int64)
    stop = np.clip(np.ceil(last + 0.5), start, target.shape).astype(np.int64)
    if np.any(start == stop):
        return None
    z, y, x = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    coverage = _sampled_shares(nodule, target.crop((z, y, x)))
    if not coverage.any():
        return None
    return NodulePatch(nodule.nodule, (z, y, x), coverage.astype(np.float32))


def _sampled_shares(nodule: VoxelNodule, target: Geometry) -> FloatArray:
    """Share of each target voxel inside a mask, by the mask's voxel at each of its points."""
    source = nodule.geometry
    first = source.world_to_voxel(target.voxel_to_world((0, 0, 0)))
    # Row i is how far a step along axis i of the target goes along the axes of the source.
    steps = source.world_to_voxel(target.voxel_to_world(np.eye(3))) - first
    z, y, x = (np.arange(size) for size in target.shape)
    # A border of background stands for all that is outside of the box.
    padded = np.pad(nodule.mask, 1)
    inside = np.zeros(target.shape, dtype=np.float64)
    for point in _points():
        start = first + point @ steps
        places = (
            start[i] + z[:, None, None] * steps[0, i] + y[:, None] * steps[1, i] + x * steps[2, i]
            for i in range(3)
        )
        nearest = (
            np.clip(np.rint(place), -1, size).astype(np.int64) + 1
            for place, size in zip(places, source.shape, strict=True)
        )
        inside += padded[tuple(nearest)]
    return inside / POINTS


def _points() -> FloatArray:
    """(POINTS, 3) places (z, y, x) in a voxel from its middle, spread evenly along any direction.

    A regular grid would miss or hit a face that runs along it in all voxels alike. The additive
    recurrence R3 of Martin Roberts, whose base solves x⁴ = x + 1:
    https://extremelearning.com.au/unreasonable-effectiveness-of-quasirandom-sequences/
    """
    base = 1.2207440846057596
    steps = base ** -np.arange(1.0, 4.0)
    return np.asarray((0.5 + np.arange(POINTS)[:, None] * steps) % 1 - 0.5)


def _axis_shares(source: Geometry, target: Geometry, axis: int) -> tuple[int, FloatArray]:
    """First target voxel that an axis touches, and its and the next ones' shares in the source.

    The shares have a row for each target voxel and a column for each source voxel.
    """
    world = 2 - axis
    source_mm, target_mm = source.spacing_mm[world], target.spacing_mm[world]
    # Faces of the source's voxels in units of the target's, 0 at its first face.
    first = (source.origin_mm[world] - source_mm / 2 - target.origin_mm[world]) / target_mm + 0.5
    faces = first + np.arange(source.shape[axis] + 1) * (source_mm / target_mm)
    start = int(np.clip(np.floor(faces[0]), 0, target.shape[axis]))
    stop = int(np.clip(np.ceil(faces[-1]), start, target.shape[axis]))
    voxels = np.arange(start, stop)[:, None]
    low, high = np.maximum(voxels, faces[:-1]), np.minimum(voxels + 1, faces[1:])
    return start, np.maximum(high - low, 0.0)
