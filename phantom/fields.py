"""Smooth shapes on a coarse lattice, and their values on the voxels of a slice.

Anatomy is drawn as distance fields (mm, negative inside) on a lattice of a few millimetres; cubic
interpolation to the voxels keeps surfaces smooth and costs two small matrix products a slice. The
anatomy frame is in mm: x to the left, y to the back, z to the head, arrays are (z, y, x).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Matrix products of fewer multiplications run in one thread in BLAS libraries.
SERIAL_PRODUCT = 200_000

# How far from a tube its distance is known; further away it is this.
TUBE_REACH_MM = 20.0


@dataclass(frozen=True)
class Lattice:
    """A regular grid in the anatomy frame: first node (z, y, x) in mm, step in mm, nodes."""

    start_mm: tuple[float, float, float]
    step_mm: float
    shape: tuple[int, int, int]

    def axes(self) -> tuple[Array, Array, Array]:
        """The coordinates z (n, 1, 1), y (1, n, 1) and x (1, 1, n) in mm."""
        z, y, x = (
            np.asarray(start + self.step_mm * np.arange(n), np.float32)
            for start, n in zip(self.start_mm, self.shape, strict=True)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]


def lattice_over(axes_mm: tuple[Array, Array, Array], step_mm: float) -> Lattice:
    """The lattice that covers the voxels at these coordinates with two nodes to spare."""
    starts = tuple(float(axis.min()) - 2 * step_mm for axis in axes_mm)
    nodes = tuple(int(np.ceil(np.ptp(axis) / step_mm)) + 5 for axis in axes_mm)
    return Lattice((starts[0], starts[1], starts[2]), step_mm, (nodes[0], nodes[1], nodes[2]))


def cubic_weights(at_mm: Array, start_mm: float, step_mm: float, nodes: int) -> Array:
    """Catmull-Rom weights (len(at_mm), nodes) that take lattice values to coordinates."""
    position = (np.asarray(at_mm, np.float64) - start_mm) / step_mm
    first = np.clip(np.floor(position).astype(int), 1, nodes - 3)
    t = position - first
    taps = (
        0.5 * (-t + 2 * t**2 - t**3),
        0.5 * (2 - 5 * t**2 + 3 * t**3),
        0.5 * (t + 4 * t**2 - 3 * t**3),
        0.5 * (-(t**2) + t**3),
    )
    weights = np.zeros((len(position), nodes), np.float32)
    for offset, tap in enumerate(taps):
        weights[np.arange(len(position)), first + offset - 1] = tap
    return weights


@dataclass(frozen=True)
class Band:
    """Some rows of an interpolation: which outputs, which inputs, weights (outputs, inputs)."""

    outputs: slice
    inputs: slice
    weights: Array


def bands(weights: Array, width: int) -> list[Band]:
    """Cuts an interpolation (outputs, inputs) with four weights a row into dense small blocks.

    Args:
        weights: As of `cubic_weights`.
        width: Of the arrays that the blocks will be multiplied with.
    """
    rows = 32
    while rows > 1 and rows * width * _inputs_of(weights[:rows]) > SERIAL_PRODUCT:
        rows //= 2
    blocks = []
    for start in range(0, len(weights), rows):
        part = weights[start : start + rows]
        used = np.flatnonzero(part.any(axis=0))
        inputs = slice(int(used[0]), int(used[-1]) + 1)
        dense = np.ascontiguousarray(part[:, inputs])
        blocks.append(Band(slice(start, start + len(part)), inputs, dense))
    return blocks


def _inputs_of(weights: Array) -> int:
    """How many inputs these rows use."""
    return int(np.ptp(np.flatnonzero(weights.any(axis=0)))) + 1


class SliceSampler:
    """Values of lattice fields on the voxels of one axial slice."""

    def __init__(
        self, lattice: Lattice, axes_mm: tuple[Array, Array, Array], fields: dict[str, Array]
    ) -> None:
        """Prepares the interpolation of `fields`, each shaped like the lattice."""
        self._z, y, x = (
            cubic_weights(axis, start, lattice.step_mm, nodes)
            for axis, start, nodes in zip(axes_mm, lattice.start_mm, lattice.shape, strict=True)
        )
        self._rows, self._columns = bands(y, lattice.shape[2]), bands(x, len(y))
        self._nodes, self._shape = lattice.shape[2], (len(y), len(x))
        self._names = tuple(fields)
        self._stack = np.stack([np.asarray(f, np.float32) for f in fields.values()], axis=1)

    def __call__(self, index: int) -> dict[str, Array]:
        """The fields by name, each (y, x), on the slice of this index."""
        used = np.flatnonzero(self._z[index])
        plane = sum(self._stack[i] * self._z[index, i] for i in used)
        halfway = np.empty((len(self._names), self._shape[0], self._nodes), np.float32)
        for band in self._rows:
            halfway[:, band.outputs] = band.weights @ plane[:, band.inputs]
        values = np.empty((len(self._names), *self._shape), np.float32)
        for band in self._columns:
            values[:, :, band.outputs] = halfway[:, :, band.inputs] @ band.weights.T
        return dict(zip(self._names, values, strict=True))


def sample(lattice: Lattice, field: Array, points_mm: npt.NDArray[np.float64]) -> Array:
    """Trilinear values of a lattice field at points (n, 3) given as (z, y, x) in mm."""
    top = np.asarray(lattice.shape) - 1.001
    position = np.clip((points_mm - np.asarray(lattice.start_mm)) / lattice.step_mm, 0, top)
    low = position.astype(int)
    t = position - low
    value = np.zeros(len(points_mm))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.asarray(corner) == 1, t, 1 - t), axis=1)
        z, y, x = (low + np.asarray(corner)).T
        value += weight * field[z, y, x]
    return value.astype(np.float32)


def smooth_min(a: Array, b: Array, radius_mm: float) -> Array:
    """Union of two distance fields, the crease between them filled over `radius_mm`."""
    blend = np.maximum(radius_mm - np.abs(a - b), 0)
    joined: Array = np.minimum(a, b) - blend * blend * np.float32(0.25 / radius_mm)
    return joined


def smooth_max(a: Array, b: Array, radius_mm: float) -> Array:
    """Intersection of two distance fields, the edge rounded over `radius_mm`."""
    return -smooth_min(-a, -b, radius_mm)


def radial_distance(level: Array, radius: Array) -> Array:
    """Distance along the ray from the centre, for a shape whose level is 1 on its surface."""
    distance: Array = radius * (1 - 1 / np.maximum(level, np.float32(0.05)))
    return distance


def ellipsoid(
    axes: tuple[Array, Array, Array],
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
) -> Array:
    """Distance to an ellipsoid, all (z, y, x) in mm; an infinite radius makes it a column."""
    offsets = [axis - c for axis, c, r in zip(axes, centre, radii, strict=True) if np.isfinite(r)]
    finite = [r for r in radii if np.isfinite(r)]
    level = np.sqrt(sum((o / r) ** 2 for o, r in zip(offsets, finite, strict=True)))
    radius = np.sqrt(sum(o**2 for o in offsets))
    return radial_distance(np.asarray(level, np.float32), np.asarray(radius, np.float32))


def carve_tube(
    nearest: Array, axes: tuple[Array, Array, Array], path: npt.NDArray[np.float64]
) -> None:
    """Lowers the distances `nearest` by a tube along `path` (n, 4): z, y, x, radius in mm.

    `nearest` holds at most TUBE_REACH_MM; only the box around each stretch is touched.
    """
    for start, end in zip(path[:-1], path[1:], strict=True):
        reach = max(start[3], end[3]) + TUBE_REACH_MM
        low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
        spans = [
            slice(*np.searchsorted(axis.ravel(), (low[i], high[i]))) for i, axis in enumerate(axes)
        ]
        box = (spans[0], spans[1], spans[2])
        near = (axes[0][spans[0]], axes[1][:, spans[1]], axes[2][:, :, spans[2]])
        distance = _capsule((near[0], near[1], near[2]), start, end)
        nearest[box] = np.minimum(nearest[box], distance)


def _capsule(
    axes: tuple[Array, Array, Array],
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
) -> Array:
    """Distance to one stretch of tube between two points with radius."""
    along = end[:3] - start[:3]
    unit = along / max(float(along @ along), 1e-6)
    t = sum((a - s) * u for a, s, u in zip(axes, start[:3], unit, strict=True))
    t = np.clip(np.asarray(t, np.float32), 0, 1)
    square = sum((a - s - t * v) ** 2 for a, s, v in zip(axes, start[:3], along, strict=True))
    radius = start[3] + t * (end[3] - start[3])
    return np.asarray(np.sqrt(np.asarray(square, np.float32)) - radius, np.float32)


def smooth_noise(rng: np.random.Generator, lattice: Lattice, grain_mm: float) -> Array:
    """Noise of mean 0, deviation about 1, whose grains are about `grain_mm` wide."""
    step = max(grain_mm, lattice.step_mm)
    coarse = lattice_over(tuple(a.ravel() for a in lattice.axes()), step)  # type: ignore[arg-type]
    value = rng.standard_normal(coarse.shape, dtype=np.float32)
    for axis, at in enumerate(lattice.axes()):
        weights = cubic_weights(at.ravel(), coarse.start_mm[axis], step, coarse.shape[axis])
        value = _stretched(value, weights, axis)
    return value * np.float32(1.6)


def _stretched(value: Array, weights: Array, axis: int) -> Array:
    """Applies rows of four weights along an axis, without BLAS (see SERIAL_PRODUCT)."""
    first = np.argmax(weights != 0, axis=1)
    result = np.zeros((), np.float32)
    along = tuple(len(first) if a == axis else 1 for a in range(3))
    for tap in range(4):
        at = np.minimum(first + tap, weights.shape[1] - 1)
        share = np.where(first + tap == at, weights[np.arange(len(at)), at], 0)
        result = result + np.take(value, at, axis=axis) * share.reshape(along).astype(np.float32)
    return result
