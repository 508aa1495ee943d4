"""Nodule masks: spheres rendered with partial coverage on any grid."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.scan import Nodule

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Box = tuple[slice, slice, slice]

SUPERSAMPLING = 8

# How far the share of a border voxel may be changed to keep volume and centre; see _keep_moments.
MOMENT_LIMIT = 0.3


@dataclass(frozen=True)
class NodulePatch:
    """A nodule rendered on a part of a grid.

    Attributes:
        nodule: What was rendered.
        box: Slices (z, y, x) of the grid.
        coverage: float32 share of each voxel of the box that lies inside, 0 to 1.
    """

    nodule: Nodule
    box: Box
    coverage: npt.NDArray[np.float32]


def render_spheres(
    nodules: Iterable[Nodule], geometry: Geometry, supersampling: int = SUPERSAMPLING
) -> npt.NDArray[np.float32]:
    """Share of each voxel that lies inside a nodule.

    Only the boxes around the nodules are touched. Where nodules overlap the larger share counts.
    What lies outside the grid is cut off.

    Args:
        nodules: Spheres in world mm.
        geometry: Grid to render on, any direction cosines.
        supersampling: Columns per voxel along each of the two finely spaced axes; along the
            coarsest axis the overlap is exact.

    Returns:
        (z, y, x) float32 coverage from 0 to 1; all 0 without nodules.
    """
    coverage = np.zeros(geometry.shape, dtype=np.float32)
    for patch in sphere_patches(nodules, geometry, supersampling):
        np.maximum(coverage[patch.box], patch.coverage, out=coverage[patch.box])
    return coverage


def sphere_patches(
    nodules: Iterable[Nodule], geometry: Geometry, supersampling: int = SUPERSAMPLING
) -> tuple[NodulePatch, ...]:
    """Each nodule rendered by itself, in the box that holds it.

    Args:
        nodules: Spheres in world mm.
        geometry: Grid to render on, any direction cosines.
        supersampling: As in `render_spheres`.

    Returns:
        One patch for each nodule that reaches into the volume.
    """
    patches = []
    for nodule in nodules:
        box = sphere_box(nodule, geometry)
        if box is not None:
            part = _cut(_whole_sphere(nodule, geometry, supersampling), nodule, geometry)
            patches.append(NodulePatch(nodule, box, part.astype(np.float32)))
    return tuple(patches)


def sphere_box(nodule: Nodule, geometry: Geometry) -> Box | None:
    """Smallest box of voxels that holds all of a nodule that lies in the volume.

    Args:
        nodule: Sphere in world mm.
        geometry: Grid of the volume.

    Returns:
        Slices (z, y, x), or None when the nodule misses the volume.
    """
    start, stop = _sphere_bounds(nodule, geometry)
    start, stop = np.maximum(start, 0), np.minimum(stop, geometry.shape)
    if np.any(start >= stop):
        return None
    return _box(start, stop)


def _sphere_bounds(nodule: Nodule, geometry: Geometry) -> tuple[IntArray, IntArray]:
    """First and last + 1 voxel (z, y, x) that the sphere can touch, also outside the volume."""
    centre = geometry.world_to_voxel(nodule.centre_mm)
    reach = 0.5 * nodule.diameter_mm / np.asarray(geometry.spacing_zyx_mm)
    start = np.ceil(centre - reach - 0.5).astype(np.int64)
    return start, np.floor(centre + reach + 0.5).astype(np.int64) + 1


def _box(start: IntArray, stop: IntArray) -> Box:
    """Slices from two corners."""
    z, y, x = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return z, y, x


def _cut(whole: FloatArray, nodule: Nodule, geometry: Geometry) -> FloatArray:
    """The part of a whole sphere's box that lies in the volume."""
    start, stop = _sphere_bounds(nodule, geometry)
    inner = _box(np.maximum(-start, 0), np.minimum(stop, geometry.shape) - start)
    return whole[inner]


def _whole_sphere(nodule: Nodule, geometry: Geometry, supersampling: int) -> FloatArray:
    """Coverage in the box around a sphere, its part outside the volume included."""
    grid = geometry.crop(_box(*_sphere_bounds(nodule, geometry)))
    coverage = _sphere_coverage(nodule, grid, supersampling)
    return _keep_moments(coverage, nodule, grid)


def _keep_moments(coverage: FloatArray, nodule: Nodule, grid: Geometry) -> FloatArray:
    """Moves a little coverage between border voxels until volume and centre of mass are exact.

    Exact coverage alone loses where inside a thick slice a small sphere begins: at 2.5 mm the
    centre of mass of a 3 mm sphere can be 0.11 mm off. The change of a voxel of coverage c is
    c(1-c) times a linear function of place, the least-squares one that restores the four moments,
    bounded so that no voxel changes by more than MOMENT_LIMIT / 4.
    """
    partial = (coverage > 0) & (coverage < 1)
    weight = coverage[partial] * (1 - coverage[partial])
    offset = np.argwhere(partial) - grid.world_to_voxel(nodule.centre_mm)
    place_mm = offset * np.asarray(grid.spacing_zyx_mm)
    # About the weighted mean the volume does not depend on the moments: where one layer holds
    # all of the sphere and its moment can't be restored, the volume still is.
    mean_mm = weight @ place_mm / max(float(weight.sum()), 1e-12)
    basis = np.column_stack([np.ones(len(place_mm)), place_mm - mean_mm])
    missing = np.array([nodule.volume_mm3 / grid.voxel_volume_mm3, 0.0, 0.0, 0.0])
    missing -= _moments(coverage, nodule, grid)
    missing[1:] -= missing[0] * mean_mm
    factors = np.linalg.lstsq(basis.T @ (weight[:, None] * basis), missing, rcond=1e-9)[0]
    change = basis @ factors
    change *= min(1.0, MOMENT_LIMIT / max(float(np.abs(change).max(initial=0)), 1e-12))
    coverage[partial] += weight * change
    return coverage


def _moments(coverage: FloatArray, nodule: Nodule, grid: Geometry) -> FloatArray:
    """Sum of coverage, and of coverage times the distance in mm from the centre along z, y, x."""
    centre = grid.world_to_voxel(nodule.centre_mm)
    moments = [float(coverage.sum())]
    for axis, spacing_mm in enumerate(grid.spacing_zyx_mm):
        others = tuple(other for other in range(3) if other != axis)
        offset_mm = _offsets_mm(grid.shape[axis], centre[axis], spacing_mm, 1)
        moments.append(float(coverage.sum(axis=others) @ offset_mm))
    return np.asarray(moments)


def _sphere_coverage(nodule: Nodule, geometry: Geometry, supersampling: int) -> FloatArray:
    """Coverage of every voxel of a small grid; the coarsest axis is integrated exactly."""
    # Direction cosines turn a sphere into itself, so distances along index axes are enough.
    centre = geometry.world_to_voxel(nodule.centre_mm)
    spacing_mm = geometry.spacing_zyx_mm
    exact = int(np.argmax(spacing_mm))
    fine = [axis for axis in range(3) if axis != exact]
    squares = [
        _offsets_mm(geometry.shape[axis], centre[axis], spacing_mm[axis], supersampling) ** 2
        for axis in fine
    ]
    radius_mm = nodule.diameter_mm / 2
    chord_mm = np.sqrt(np.maximum(radius_mm**2 - squares[0][:, None] - squares[1][None, :], 0))
    middle_mm = _offsets_mm(geometry.shape[exact], centre[exact], spacing_mm[exact], 1)
    layers = [_layer(chord_mm, mm, spacing_mm[exact], supersampling) for mm in middle_mm]
    return np.stack(layers, axis=exact)


def _layer(
    chord_mm: FloatArray, middle_mm: float, thickness_mm: float, supersampling: int
) -> FloatArray:
    """Coverage of one layer of voxels from the half chords of its columns."""
    top_mm = np.minimum(chord_mm, middle_mm + thickness_mm / 2)
    bottom_mm = np.maximum(-chord_mm, middle_mm - thickness_mm / 2)
    overlap = np.maximum(top_mm - bottom_mm, 0) / thickness_mm
    rows, columns = (size // supersampling for size in overlap.shape)
    blocks = overlap.reshape(rows, supersampling, columns, supersampling)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _offsets_mm(size: int, centre: float, spacing_mm: float, supersampling: int) -> FloatArray:
    """Distances in mm from the centre to the middles of the parts of `size` voxels."""
    parts = (np.arange(size * supersampling) + 0.5) / supersampling - 0.5
    return np.asarray((parts - centre) * spacing_mm)


def equivalent_diameter_mm(volume_mm3: float) -> float:
    """Diameter in mm of the sphere of a volume in mm³."""
    return float((6 * volume_mm3 / math.pi) ** (1 / 3))
