"""Trees of vessels and airways that fill the lungs, and their coverage of the voxels.

Growth halves a cloud of end points repeatedly: a branch grows from the end of its parent towards
the middle of its half (after Tawhai, Pullan and Hunter, Annals of Biomedical Engineering 2000).
Radii follow the number of ends that a branch feeds (Murray's law).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantom.fields import Array, Lattice, sample

Points = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

MURRAY_EXPONENT = 2.55
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class Tree:
    """Curved branches: from `start` by `bend` (control point) to `end`, in mm as (z, y, x).

    `radius` is that of the branch's start and end (n, 2) in mm; `ends` is how many end points a
    branch feeds.
    """

    start: Points
    bend: Points
    end: Points
    radius: Points
    ends: Labels

    def __len__(self) -> int:
        """Number of branches."""
        return len(self.ends)

    def only(self, keep: npt.NDArray[np.bool_]) -> "Tree":
        """The branches where `keep` is true."""
        return Tree(
            self.start[keep], self.bend[keep], self.end[keep], self.radius[keep], self.ends[keep]
        )

    def moved(self, by_mm: Points) -> "Tree":
        """Shifted by (n, 3) mm."""
        return Tree(self.start + by_mm, self.bend + by_mm, self.end + by_mm, self.radius, self.ends)


def joined(trees: list[Tree]) -> Tree:
    """All branches of several trees."""
    names = ("start", "bend", "end", "radius", "ends")
    return Tree(*(np.concatenate([getattr(tree, name) for tree in trees]) for name in names))


def scatter_ends(
    rng: np.random.Generator, lattice: Lattice, lung: Array, apart_mm: float
) -> Points:
    """End points (n, 3) spread evenly through the lungs, a few mm away from the pleura."""
    extent = [n * lattice.step_mm for n in lattice.shape]
    axes = [np.arange(rng.uniform(0, apart_mm), e, apart_mm) for e in extent]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = grid + np.asarray(lattice.start_mm) + rng.uniform(-0.6, 0.6, grid.shape) * apart_mm
    depth = sample(lattice, lung, points)
    return np.asarray(points[depth < -rng.uniform(2.0, 9.0, len(points))])


def grow(
    rng: np.random.Generator, ends: Points, groups: Labels, roots: Points, end_radius_mm: float
) -> Tree:
    """A tree from `roots` (one for each group of end points) to all ends.

    Args:
        rng: Random numbers.
        ends: (n, 3) mm.
        groups: (n,) index into `roots`.
        roots: (g, 3) mm where the groups' first branches begin.
        end_radius_mm: Radius of a branch that feeds a single end.
    """
    used, label = np.unique(groups, return_inverse=True)
    start = roots[used]
    heading = _means(ends, label, len(used)) - start
    root = np.arange(len(used))
    parts: list[Tree] = []
    parent_radius = np.full(len(used), np.inf)
    for _ in range(40):
        if not len(ends):
            break
        count = np.bincount(label, minlength=len(start))
        tip = _tips(rng, start, _means(ends, label, len(start)), count)
        radius = end_radius_mm * count ** (1 / MURRAY_EXPONENT)
        first = np.minimum(radius * 1.12, parent_radius)
        last = np.where(count == 1, 0.55 * radius, 0.95 * radius)
        length = np.linalg.norm(tip - start, axis=1, keepdims=True)
        unit = heading / np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-6)
        bend = start + (tip - start) * 0.32 + unit * length * 0.18
        parts.append(Tree(start, bend, tip, np.stack([first, last], 1), count))
        label, alive, parent = _split(rng, ends, label, tip, roots[used][root])
        ends = ends[alive]
        start, heading, parent_radius = tip[parent], (tip - bend)[parent], last[parent]
        root = root[parent]
    return joined(parts)


def _means(points: Points, label: Labels, groups: int) -> Points:
    """Mean of the points of each group, (groups, 3)."""
    count = np.maximum(np.bincount(label, minlength=groups), 1)
    sums = [np.bincount(label, points[:, axis], minlength=groups) for axis in range(3)]
    return np.asarray(np.stack(sums, axis=1) / count[:, None])


def _tips(rng: np.random.Generator, start: Points, middle: Points, count: Labels) -> Points:
    """Where branches end: part of the way to the middle of what they feed, or at their one end."""
    share = np.where(count == 1, 1.0, rng.uniform(0.36, 0.54, len(count)))[:, None]
    way = middle - start
    length = np.linalg.norm(way, axis=1, keepdims=True)
    wander = rng.normal(0, 0.04, way.shape) * length * (share < 1)
    return np.asarray(start + share * way + wander)


def _split(
    rng: np.random.Generator, ends: Points, label: Labels, tip: Points, origin: Points
) -> tuple[Labels, npt.NDArray[np.bool_], Labels]:
    """Halves each group of several ends by a plane through the direction from its origin.

    The groups become cones that open towards the pleura, and their branches run outwards.

    Returns:
        New label of each end that is left, which ends are left, parent of each new label.
    """
    count = np.bincount(label, minlength=len(tip))
    middle = _means(ends, label, len(tip))
    offset = ends - middle[label]
    spread = np.stack(
        [
            np.bincount(label, offset[:, i] * offset[:, j], minlength=len(tip))
            for i in range(3)
            for j in range(3)
        ],
        axis=1,
    ).reshape(-1, 3, 3)
    ahead = middle - origin
    unit = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    across = np.eye(3) - 0.6 * unit[:, :, None] * unit[:, None, :]
    normal = np.linalg.eigh(across @ spread @ across)[1][:, :, 2]
    position = np.einsum("ni,ni->n", offset, normal[label])
    size = np.sqrt(np.bincount(label, position**2, minlength=len(tip)) / np.maximum(count, 1))
    position = position - (size * rng.normal(0, 0.4, len(tip)))[label]
    alive = (count > 1)[label]
    child = 2 * label[alive] + (position[alive] > 0)
    names, new_label = np.unique(child, return_inverse=True)
    return new_label, alive, np.asarray(names // 2)


@dataclass(frozen=True)
class Cloud:
    """Small equal parts of tubes: points (n, 3) as (z, y, x) in mm, volume of each in mm³."""

    points: Points
    volume_mm3: Points


def trace(tree: Tree, step_mm: float) -> tuple[Points, Points, Points, Points]:
    """Points along all branches every `step_mm`: position, tangent, radius, length of step."""
    chord = np.linalg.norm(tree.end - tree.start, axis=1)
    pieces = np.maximum(np.ceil(chord * 1.05 / step_mm), 1).astype(int)
    owner = np.repeat(np.arange(len(tree)), pieces)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    t = ((within + 0.5) / pieces[owner])[:, None]
    start, bend, end = tree.start[owner], tree.bend[owner], tree.end[owner]
    position = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    speed = 2 * (1 - t) * (bend - start) + 2 * t * (end - bend)
    pace = np.maximum(np.linalg.norm(speed, axis=1), 1e-6)
    radius = tree.radius[owner, 0] * (1 - t[:, 0]) + tree.radius[owner, 1] * t[:, 0]
    return position, speed / pace[:, None], radius, pace / pieces[owner]


def fill(rng: np.random.Generator, tree: Tree, cell_mm: float) -> Cloud:
    """Fills the branches with points about `cell_mm` apart, discs of sunflower seeds."""
    position, tangent, radius, length = trace(tree, cell_mm)
    seeds = np.maximum(np.ceil(np.pi * (radius / cell_mm) ** 2), 1).astype(int)
    owner = np.repeat(np.arange(len(seeds)), seeds)
    seed = np.arange(len(owner)) - np.repeat(np.cumsum(seeds) - seeds, seeds)
    distance = np.where(seeds[owner] > 1, np.sqrt((seed + 0.5) / seeds[owner]), 0) * radius[owner]
    angle = seed * GOLDEN_ANGLE + rng.uniform(0, 2 * np.pi, len(seeds))[owner]
    side = np.cross(tangent, np.where(np.abs(tangent[:, :1]) < 0.8, (1.0, 0, 0), (0, 1.0, 0)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangent, side)
    slide = rng.uniform(-0.5, 0.5, len(owner)) * length[owner]
    points = (
        position[owner]
        + side[owner] * (distance * np.cos(angle))[:, None]
        + other[owner] * (distance * np.sin(angle))[:, None]
        + tangent[owner] * slide[:, None]
    )
    return Cloud(points, (np.pi * radius**2 * length / seeds)[owner])


class SliceSplatter:
    """Spreads the volume of a cloud over the voxels, slice by slice."""

    def __init__(self, cloud: Cloud, axes_mm: tuple[Array, Array, Array]) -> None:
        """Sorts the cloud by slice; the axes are the evenly spaced coordinates of the voxels."""
        steps = [float(axis[1] - axis[0]) for axis in axes_mm]
        start = np.asarray([float(axis[0]) for axis in axes_mm])
        index = (cloud.points - start) / steps
        self._shape = (len(axes_mm[1]), len(axes_mm[2]))
        low = np.floor(index).astype(np.int64)
        size = np.asarray([len(axis) for axis in axes_mm])
        inside = np.all((low[:, 1:] >= 0) & (low[:, 1:] < size[1:] - 1), axis=1)
        inside &= (low[:, 0] >= -1) & (low[:, 0] < size[0])
        order = np.flatnonzero(inside)
        order = order[np.argsort(low[order, 0], kind="stable")]
        self._layer = low[order, 0]
        self._pixel = low[order, 1] * self._shape[1] + low[order, 2]
        self._part = (index[order] - low[order]).astype(np.float32)
        share = cloud.volume_mm3[order] / abs(steps[0] * steps[1] * steps[2])
        self._share = share.astype(np.float32)

    def __call__(self, index: int) -> Array:
        """Covered share (y, x) of the voxels of a slice; may exceed 1 where tubes overlap."""
        first, middle, last = np.searchsorted(self._layer, [index - 1, index, index + 1])
        used = slice(int(first), int(last))
        part, pixel = self._part[used], self._pixel[used]
        weight = np.where(np.arange(first, last) < middle, part[:, 0], 1 - part[:, 0])
        weight = weight * self._share[used]
        covered = np.zeros(self._shape[0] * self._shape[1])
        for row, column in np.ndindex(2, 2):
            y = part[:, 1] if row else 1 - part[:, 1]
            x = part[:, 2] if column else 1 - part[:, 2]
            at = pixel + row * self._shape[1] + column
            covered += np.bincount(at, weight * y * x, minlength=covered.size)
        return covered.reshape(self._shape).astype(np.float32)
