"""Where the voxels of a scan lie: index (z, y, x) to world (x, y, z) in mm and back.

World coordinates are LPS as in ITK: x grows to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

# LUNA16 headers carry six decimals; a tilted gantry shears by 1e-2 and more.
ORTHONORMAL_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Geometry:
    """The grid of one volume in the world.

    Attributes:
        shape: Voxels along (z, y, x), the order of the array's axes.
        origin_mm: World (x, y, z) of the centre of voxel (0, 0, 0).
        spacing_mm: Distance of voxel centres along the index axes (x, y, z), as in ITK.
        direction: Nine direction cosines, row-major as in ITK: column i is the world direction of
            index axis i in the order (x, y, z). Flipped, permuted and left-handed are all right.
    """

    shape: tuple[int, int, int]
    origin_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    direction: tuple[float, ...] = IDENTITY

    def __post_init__(self) -> None:
        """Checks every field; raises ValueError naming what was expected and what came."""
        if len(self.shape) != 3 or not all(n > 0 for n in self.shape):
            raise ValueError(f"expected 3 positive sizes (z, y, x), got {self.shape}")
        if len(self.origin_mm) != 3 or not all(math.isfinite(o) for o in self.origin_mm):
            raise ValueError(f"expected a finite origin (x, y, z) in mm, got {self.origin_mm}")
        if len(self.spacing_mm) != 3 or not all(0 < s < math.inf for s in self.spacing_mm):
            raise ValueError(f"expected 3 positive spacings in mm, got {self.spacing_mm}")
        if not is_orthonormal(self.direction):
            raise ValueError(f"expected 9 orthonormal direction cosines, got {self.direction}")

    @functools.cached_property
    def _index_to_world(self) -> FloatArray:
        """3 x 3 matrix from index (x, y, z) to mm, columns the steps of the axes."""
        return np.asarray(direction_matrix(self.direction) * np.asarray(self.spacing_mm))

    @functools.cached_property
    def _world_to_index(self) -> FloatArray:
        """Inverse of `_index_to_world`."""
        return np.linalg.inv(self._index_to_world)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm³."""
        return math.prod(self.spacing_mm)

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Spacing in the order of the array's axes."""
        return self.spacing_mm[2], self.spacing_mm[1], self.spacing_mm[0]

    def voxel_to_world(self, zyx: npt.ArrayLike) -> FloatArray:
        """World coordinates of voxel indices.

        Args:
            zyx: (..., 3) indices (z, y, x), fractions allowed.

        Returns:
            (..., 3) float64 world (x, y, z) in mm.
        """
        xyz = np.asarray(zyx, dtype=np.float64)[..., ::-1]
        return np.asarray(xyz @ self._index_to_world.T + np.asarray(self.origin_mm))

    def world_to_voxel(self, xyz_mm: npt.ArrayLike) -> FloatArray:
        """Voxel indices of world coordinates.

        Args:
            xyz_mm: (..., 3) world (x, y, z) in mm.

        Returns:
            (..., 3) float64 indices (z, y, x), fractions and values outside the volume included.
        """
        offset = np.asarray(xyz_mm, dtype=np.float64) - np.asarray(self.origin_mm)
        return np.asarray((offset @ self._world_to_index.T)[..., ::-1])

    def contains(self, xyz_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether world points lie in the volume, whose outer voxels reach half a voxel further.

        Args:
            xyz_mm: (..., 3) world (x, y, z) in mm.

        Returns:
            (...) bool.
        """
        zyx = self.world_to_voxel(xyz_mm)
        return np.asarray(np.all((zyx >= -0.5) & (zyx <= np.asarray(self.shape) - 0.5), axis=-1))

    def crop(self, box: tuple[slice, slice, slice]) -> Geometry:
        """The grid of `volume[box]`.

        Args:
            box: Slices (z, y, x) with start and stop inside the volume and no step.

        Returns:
            Geometry with the same spacing and direction.
        """
        start = [axis.start for axis in box]
        x, y, z = self.voxel_to_world(start)
        shape = tuple(int(axis.stop - axis.start) for axis in box)
        origin_mm = (float(x), float(y), float(z))
        return Geometry((shape[0], shape[1], shape[2]), origin_mm, self.spacing_mm, self.direction)

    def world_box(self, box: tuple[slice, slice, slice]) -> tuple[FloatArray, FloatArray]:
        """World bounds of a box of voxels, outer faces included.

        Args:
            box: Slices (z, y, x).

        Returns:
            Lowest and highest world (x, y, z) in mm of its eight corners.
        """
        low = [axis.start - 0.5 for axis in box]
        high = [axis.stop - 0.5 for axis in box]
        corners = self.voxel_to_world(list(itertools.product(*zip(low, high, strict=True))))
        return corners.min(axis=0), corners.max(axis=0)

    def voxel_bounds(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Voxel bounds of a box along the world's axes.

        Args:
            low: Its lowest world (x, y, z) in mm.
            high: Its highest.

        Returns:
            Lowest and highest index (z, y, x), not rounded, of its eight corners.
        """
        corners = self.world_to_voxel(list(itertools.product(*zip(low, high, strict=True))))
        return corners.min(axis=0), corners.max(axis=0)

    def distance_mm(self, other: Geometry) -> float:
        """How far two grids are apart.

        Args:
            other: A grid of any spacing, direction and origin.

        Returns:
            Largest distance in mm between corner voxels of the same index; infinite for grids of
            other shapes.
        """
        if self.shape != other.shape:
            return math.inf
        corners = list(itertools.product(*((0, size - 1) for size in self.shape)))
        apart_mm = self.voxel_to_world(corners) - other.voxel_to_world(corners)
        return float(np.linalg.norm(apart_mm, axis=-1).max())

    @property
    def whole(self) -> tuple[slice, slice, slice]:
        """The box of all voxels."""
        z, y, x = self.shape
        return slice(0, z), slice(0, y), slice(0, x)


def direction_matrix(direction: tuple[float, ...]) -> npt.NDArray[Any]:
    """Nine row-major direction cosines as a 3 x 3 float64 matrix."""
    return np.asarray(direction, dtype=np.float64).reshape(3, 3)


def is_orthonormal(direction: tuple[float, ...]) -> bool:
    """Whether nine direction cosines are finite, of unit length and at right angles."""
    if len(direction) != 9 or not all(math.isfinite(value) for value in direction):
        return False
    matrix = direction_matrix(direction)
    return bool(np.abs(matrix.T @ matrix - np.eye(3)).max() <= ORTHONORMAL_TOLERANCE)
