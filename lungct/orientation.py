"""A volume seen along the patient's axes, whatever order and sense its own axes have."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry, direction_matrix

Voxel = TypeVar("Voxel", bound=np.generic)


def to_patient_axes(
    volume: npt.NDArray[Voxel], geometry: Geometry
) -> tuple[npt.NDArray[Voxel], Geometry]:
    """A view whose axes (z, y, x) run along the world's, as nearly as the grid allows.

    Scans that differ only by flipped or permuted axes become equal, and so do their results.

    Args:
        volume: (z, y, x) array of any type.
        geometry: Its grid.

    Returns:
        A view, not a copy, and its grid: the identity direction unless the scan is oblique.
    """
    matrix = direction_matrix(geometry.direction)
    order = _nearest_axes(np.abs(matrix))
    flips = [bool(matrix[world, axis] < 0) for world, axis in enumerate(order)]
    view = np.transpose(volume, [2 - axis for axis in reversed(order)])
    view = view[tuple(slice(None, None, -1 if flip else 1) for flip in reversed(flips))]
    return view, _oriented(geometry, order, flips)


def _nearest_axes(cosines: npt.NDArray[np.float64]) -> list[int]:
    """The index axis (0 = x) that lies nearest to world x, y and z."""
    order = [-1, -1, -1]
    # z decides first: slices stay slices in an oblique scan.
    for world in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in order]
        order[world] = max(free, key=lambda axis: float(cosines[world, axis]))
    return order


def _oriented(geometry: Geometry, order: list[int], flips: list[bool]) -> Geometry:
    """Grid of the view: axes in another order, flipped ones starting at their other end."""
    sizes = geometry.shape[::-1]
    first = [sizes[axis] - 1 if flip else 0 for axis, flip in zip(order, flips, strict=True)]
    corner_xyz = [first[order.index(axis)] for axis in range(3)]
    x, y, z = (float(mm) for mm in geometry.voxel_to_world(corner_xyz[::-1]))
    signs = np.where(flips, -1.0, 1.0)
    # Adding zero turns -0.0 into 0.0.
    direction = direction_matrix(geometry.direction)[:, order] * signs + 0.0
    spacing = [geometry.spacing_mm[axis] for axis in order]
    return Geometry(
        shape=(sizes[order[2]], sizes[order[1]], sizes[order[0]]),
        origin_mm=(x, y, z),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        direction=tuple(float(cosine) for cosine in direction.ravel()),
    )
