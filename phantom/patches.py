"""A nodule on the voxels of a scan: its share of each, and what is painted there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantom.fields import Array, Lattice, cubic_weights
from phantom.nodules import PhantomNodule
from phantom.surface import Surface, unit_vectors

SUPERSAMPLING_MM = 0.3
HALO_MM = 1.2
# So far outside of where half of the density is left readers draw their outlines.
OUTLINE_MM = 0.2
TEXTURE_WAVES = 8
# A voxel is sampled where its middle is nearer to a surface than its corners, times this, because
# the distance is along the ray from the centre.
STEEPEST = 1.6
# Points that are looked at together.
CHUNK = 400_000
Axes = tuple[Array, Array, Array]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Patch:
    """A nodule on the voxels of a box, all (z, y, x) float32.

    Attributes:
        box: Slices of the volume.
        coverage: Share of each voxel that lies within the surface and the lung: the truth.
        density: How much of the nodule is seen in a voxel: softer than its coverage.
        core: Share of the dense middle of a part-solid nodule.
        texture_hu: What is added to the nodule's HU.
    """

    box: Box
    coverage: Array
    density: Array
    core: Array
    texture_hu: Array


@dataclass(frozen=True)
class LungField:
    """The lungs' distance field (mm, negative inside) on its lattice."""

    lattice: Lattice
    distance_mm: Array

    def over(self, axes_mm: Axes) -> Array:
        """Cubic values on a grid of any three axes, as the painter sees them."""
        value = self.distance_mm
        for axis, at in enumerate(axes_mm):
            start, nodes = self.lattice.start_mm[axis], self.lattice.shape[axis]
            weights = cubic_weights(at, start, self.lattice.step_mm, nodes)
            used = np.flatnonzero(weights.any(axis=0))
            part = np.take(value, used, axis=axis)
            moved = np.tensordot(weights[:, used], part, axes=(1, axis))
            value = np.moveaxis(moved, 0, axis)
        return np.asarray(value, np.float32)


def render_patch(
    nodule: PhantomNodule, axes_mm: Axes, lung: LungField | None = None
) -> Patch | None:
    """A nodule on the voxels that it reaches, those at its border sampled many times.

    Args:
        nodule: The nodule.
        axes_mm: Coordinates of the voxels (z, y, x).
        lung: Where given, the nodule ends at the pleura.

    Returns:
        The patch; None when the nodule lies outside the volume.
    """
    surface = nodule.surface
    reach = surface.reach_mm + nodule.edge_mm / 2 + (3 * HALO_MM if nodule.halo else 0)
    grid = _Voxels.around(nodule, axes_mm, reach)
    if grid is None:
        return None
    depth = None if lung is None else -lung.over(grid.world_mm(nodule))
    coverage, density = _covered(nodule, surface, grid, depth)
    core = np.zeros_like(coverage)
    if nodule.kind == "part-solid":
        core = np.minimum(_core(nodule, surface, grid), coverage)
    return Patch(grid.box, coverage, density, core, _texture(nodule, grid))


@dataclass(frozen=True)
class _Voxels:
    """The voxels of a box, as offsets of their middles from the nodule's centre."""

    box: Box
    offsets_mm: Axes
    steps_mm: tuple[float, float, float]

    @classmethod
    def around(cls, nodule: PhantomNodule, axes_mm: Axes, reach_mm: float) -> "_Voxels | None":
        """The voxels within reach of a nodule; None where there are none."""
        box, offsets, steps = [], [], []
        for axis, centre in zip(axes_mm, nodule.centre_mm, strict=True):
            step = float(axis[1] - axis[0])
            near = np.flatnonzero(np.abs(axis - centre) <= reach_mm + abs(step))
            if not len(near):
                return None
            box.append(slice(int(near[0]), int(near[-1]) + 1))
            offsets.append(np.asarray(axis[near].astype(np.float64) - centre, np.float32))
            steps.append(step)
        return cls(
            (box[0], box[1], box[2]),
            (offsets[0], offsets[1], offsets[2]),
            (steps[0], steps[1], steps[2]),
        )

    @property
    def grid(self) -> Axes:
        """The offsets, ready to be broadcast."""
        z, y, x = self.offsets_mm
        return z[:, None, None], y[None, :, None], x[None, None, :]

    @property
    def half_diagonal_mm(self) -> float:
        """From the middle of a voxel to its corner."""
        return 0.5 * float(np.linalg.norm(self.steps_mm))

    def world_mm(self, nodule: PhantomNodule) -> Axes:
        """Coordinates of the middles along the three axes."""
        z, y, x = (
            offsets + np.float32(centre)
            for offsets, centre in zip(self.offsets_mm, nodule.centre_mm, strict=True)
        )
        return z, y, x

    def within(self, finest_mm: float) -> Array:
        """Points (n, 3) spread evenly through a voxel, as offsets from its middle."""
        axes = []
        for step in self.steps_mm:
            n = int(np.clip(np.ceil(abs(step) / finest_mm), 2, 12))
            axes.append(((np.arange(n) + 0.5) / n - 0.5) * step)
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        return np.asarray(points, np.float32)

    def points(self, at: npt.NDArray[np.int64], within: Array) -> Axes:
        """Offsets (k, n) along z, y and x of the points in the k voxels `at` (k, 3)."""
        z, y, x = (
            self.offsets_mm[axis][at[:, axis], None] + within[None, :, axis] for axis in range(3)
        )
        return z, y, x


def _covered(
    nodule: PhantomNodule, surface: Surface, grid: _Voxels, depth: Array | None
) -> tuple[Array, Array]:
    """Coverage and density of all voxels; `depth` is that of their middles under the pleura."""
    beyond_mm = (surface.share(*grid.grid) - 1) * np.float32(nodule.radius_mm)
    coverage, density = _seen(nodule, beyond_mm, depth)
    # Between the middle of a voxel and its corner the surface may be steeper than the distance.
    near = STEEPEST * grid.half_diagonal_mm
    border = np.abs(beyond_mm) < near + nodule.edge_mm / 2
    if depth is not None:
        border |= (np.abs(depth) < near) & (beyond_mm < near + nodule.edge_mm)
    at = np.argwhere(border)
    within = grid.within(max(SUPERSAMPLING_MM, nodule.diameter_mm / 60))
    for part in np.array_split(at, len(at) * len(within) // CHUNK + 1):
        z, y, x = grid.points(part, within)
        beyond = (surface.share(z, y, x) - 1) * np.float32(nodule.radius_mm)
        under = None if depth is None else _depths(depth, grid, part, within)
        place = tuple(part.T)
        for values, whole in zip(_seen(nodule, beyond, under), (coverage, density), strict=True):
            whole[place] = values.mean(axis=1)
    return coverage, density


def _seen(nodule: PhantomNodule, beyond_mm: Array, depth: Array | None) -> tuple[Array, Array]:
    """Whether points lie inside, 0 or 1, and how much of the nodule is seen there."""
    edge_mm = np.float32(max(nodule.edge_mm, 1e-3))
    density = np.clip(0.5 - (beyond_mm + np.float32(OUTLINE_MM)) / edge_mm, 0, 1)
    if nodule.halo:
        fading = np.exp(-np.clip(beyond_mm, 0, None) / np.float32(HALO_MM))
        density = np.maximum(density, np.float32(nodule.halo) * fading)
    inside = (beyond_mm < 0).astype(np.float32)
    if depth is not None:
        inside *= depth > 0
        density *= np.clip(depth + np.float32(0.5), 0, 1)
    return inside, np.asarray(density, np.float32)


def _depths(depth: Array, grid: _Voxels, at: npt.NDArray[np.int64], within: Array) -> Array:
    """Depth under the pleura (k, n) of points in voxels, linear around their middles."""
    place = tuple(at.T)
    change = np.zeros((len(at), len(within)), np.float32)
    for axis, step in enumerate(grid.steps_mm):
        if depth.shape[axis] > 1:
            slope = np.gradient(depth, step, axis=axis)[place]
            change += slope[:, None] * within[None, :, axis]
    return np.asarray(depth[place][:, None] + change, np.float32)


def _core(nodule: PhantomNodule, surface: Surface, grid: _Voxels) -> Array:
    """Share of each voxel in the dense part: a smaller one of the same shape, off the middle."""
    rng = np.random.default_rng([nodule.seed, 2])
    size = rng.uniform(0.35, 0.75)
    shift = unit_vectors(rng, 1)[0] * nodule.radius_mm * rng.uniform(0, 0.9 * (1 - size))
    z, y, x = (offset - np.float32(s) for offset, s in zip(grid.grid, shift, strict=True))
    beyond_mm = (surface.share(z, y, x) - size) * np.float32(nodule.radius_mm)
    return np.asarray(np.clip(0.5 - beyond_mm / (2 * grid.half_diagonal_mm), 0, 1), np.float32)


def _texture(nodule: PhantomNodule, grid: _Voxels) -> Array:
    """Unevenness at the voxels' middles, a sum of plane waves of 3 to 10 mm."""
    rng = np.random.default_rng([nodule.seed, 3])
    lengths = rng.uniform(3, 10, TEXTURE_WAVES)
    vectors = unit_vectors(rng, TEXTURE_WAVES) * (2 * np.pi / lengths)[:, None]
    z, y, x = grid.grid
    total = np.zeros(np.broadcast_shapes(z.shape, y.shape, x.shape), np.float32)
    for (a, b, c), phase in zip(vectors, rng.uniform(0, 2 * np.pi, TEXTURE_WAVES), strict=True):
        angle = np.float32(a) * z + np.float32(b) * y + np.float32(c) * x + np.float32(phase)
        total += np.cos(angle)
    return total * np.float32(nodule.texture_hu * np.sqrt(2 / TEXTURE_WAVES))
