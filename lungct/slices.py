"""Axial slices of the working grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.region import Region
from lungct.scan import COVERAGE_THRESHOLD, Nodule
from lungct.truth.spheres import NodulePatch


@dataclass(frozen=True)
class SliceRecord:
    """One axial slice of the working grid.

    Attributes:
        hu: (y, x) int16 HU; a view of the working volume.
        coverage: (y, x) uint8, 255 where the voxel lies wholly inside a nodule.
        region: (y, x) uint8, 1 in the region of interest.
        index: z on the working grid.
        origin_mm: World (x, y, z) of pixel (0, 0).
        nodules: Nodules of which at least one voxel of the slice is at least half inside.
    """

    hu: npt.NDArray[np.int16]
    coverage: npt.NDArray[np.uint8]
    region: npt.NDArray[np.uint8]
    index: int
    origin_mm: tuple[float, float, float]
    nodules: tuple[Nodule, ...]


@dataclass(frozen=True)
class WorkingVolume:
    """A scan on the working grid.

    Attributes:
        hu: (z, y, x) int16 HU.
        region: The region of interest on the grid.
        geometry: The working grid.
        patches: Each nodule as it was rendered on the grid.
    """

    hu: npt.NDArray[np.int16]
    region: Region
    geometry: Geometry
    patches: tuple[NodulePatch, ...]


class Slices(Sequence[SliceRecord]):
    """The slices of a working volume; each record is made when it is asked for."""

    def __init__(self, volume: WorkingVolume) -> None:
        """Finds which nodules each slice cuts.

        Args:
            volume: The scan on the working grid.
        """
        self._volume = volume
        self._nodules = cut_nodules(volume.patches, len(self))

    def __len__(self) -> int:
        """Slices of the working grid."""
        return self._volume.geometry.shape[0]

    @overload
    def __getitem__(self, index: int) -> SliceRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[SliceRecord]: ...

    def __getitem__(self, index: int | slice) -> SliceRecord | list[SliceRecord]:
        """The record of one slice, or the records of several."""
        if isinstance(index, slice):
            return [self._record(z) for z in range(len(self))[index]]
        return self._record(range(len(self))[index])

    def _record(self, z: int) -> SliceRecord:
        """The record of slice z."""
        volume = self._volume
        shape = volume.geometry.shape[1:]
        x_mm, y_mm, z_mm = (float(mm) for mm in volume.geometry.voxel_to_world((z, 0, 0)))
        return SliceRecord(
            hu=volume.hu[z],
            coverage=_coverage_plane(volume.patches, z, shape),
            region=volume.region.plane(z, shape),
            index=z,
            origin_mm=(x_mm, y_mm, z_mm),
            nodules=self._nodules[z],
        )


def cut_nodules(patches: Sequence[NodulePatch], slices: int) -> list[tuple[Nodule, ...]]:
    """Which nodules each slice cuts.

    Args:
        patches: Nodules as they were rendered on the working grid.
        slices: Slices of the grid.

    Returns:
        For each z the nodules of which at least one voxel there is at least half inside.
    """
    cut: list[list[Nodule]] = [[] for _ in range(slices)]
    for patch in patches:
        truth = to_uint8(patch.coverage) >= COVERAGE_THRESHOLD
        for z in np.flatnonzero(truth.any(axis=(1, 2))):
            cut[patch.box[0].start + int(z)].append(patch.nodule)
    return [tuple(found) for found in cut]


def merge_coverage(
    patches: Sequence[NodulePatch], shape: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    """Coverage of all nodules; where they overlap the larger share counts.

    Args:
        patches: Nodules as they were rendered on a grid.
        shape: Its voxels (z, y, x).

    Returns:
        (z, y, x) uint8, 255 where the voxel lies wholly inside a nodule.
    """
    coverage = np.zeros(shape, dtype=np.uint8)
    for patch in patches:
        np.maximum(coverage[patch.box], to_uint8(patch.coverage), out=coverage[patch.box])
    return coverage


def _coverage_plane(
    patches: Sequence[NodulePatch], z: int, shape: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Slice z of what `merge_coverage` makes, (y, x) uint8."""
    plane = np.zeros(shape, dtype=np.uint8)
    for patch in patches:
        layers, y, x = patch.box
        if layers.start <= z < layers.stop:
            part = to_uint8(patch.coverage[z - layers.start])
            np.maximum(plane[y, x], part, out=plane[y, x])
    return plane


def to_uint8(coverage: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Coverage from 0 to 1 as 0 to 255; a half becomes 128."""
    scaled = np.rint(coverage * np.float32(255))
    return np.asarray(scaled, dtype=np.uint8)
