"""Nodules: where they sit, what they look like, and their exact share of each voxel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantom.fields import Array, Lattice, sample
from phantom.vessels import Points, Tree

# Diameters by share of the nodules: evenly over the logarithm between these; the narrow bucket of
# 6 to 8 mm gets a larger share, so that a small data set has some.
SHARES, DIAMETERS_MM = (0.0, 0.29, 0.47, 0.74, 1.0), (3.0, 6.0, 8.0, 15.0, 30.0)
COUNTS, COUNT_ODDS = (1, 2, 3, 4, 5, 6), (0.10, 0.18, 0.22, 0.22, 0.16, 0.12)
KINDS, KIND_ODDS = ("solid", "part-solid", "ground-glass", "calcified"), (0.70, 0.12, 0.14, 0.04)
PLACES, PLACE_ODDS = ("free", "pleura", "vessel"), (0.5, 0.25, 0.25)
SUPERSAMPLING_MM = 0.3
# Ground glass fades over this share of the radius on both sides of the true surface.
GLASS_EDGE = 0.12
ATTEMPTS = 4000


@dataclass(frozen=True)
class PhantomNodule:
    """One nodule in the anatomy frame.

    Attributes:
        centre_mm: (z, y, x) in mm.
        diameter_mm: That of the sphere, the truth.
        kind: One of KINDS.
        place: One of PLACES.
        hu: Of the nodule, without its core.
        core_hu: Of the middle of a part-solid nodule, else the same as `hu`.
        lobulation: Depth of the surface's waves as a share of the radius, their mean 0.
        spicules: Unit vectors (n, 3) of thin strands outside the sphere.
        seed: For the waves of the surface.
    """

    centre_mm: tuple[float, float, float]
    diameter_mm: float
    kind: str
    place: str
    hu: float
    core_hu: float
    lobulation: float
    spicules: tuple[tuple[float, float, float], ...]
    seed: int

    @property
    def radius_mm(self) -> float:
        """Half of the diameter."""
        return self.diameter_mm / 2


@dataclass(frozen=True)
class Site:
    """Where nodules may be: the lung's distance field on its lattice, and its vessels."""

    lattice: Lattice
    lung: Array
    vessels: Tree
    bounds_mm: tuple[tuple[float, float], ...]

    def depth_mm(self, points: Points) -> Array:
        """Distance (n,) under the pleura of points (n, 3)."""
        return -sample(self.lattice, self.lung, points)


def draw_diameters(rng: np.random.Generator) -> list[float]:
    """Diameters in mm of one scan's nodules, evenly spread over the logarithm, largest first."""
    count = int(rng.choice(COUNTS, p=COUNT_ODDS))
    share = (rng.random() + np.arange(count) * 0.61803398875) % 1
    diameters = np.exp(np.interp(share, SHARES, np.log(DIAMETERS_MM)))
    return sorted((round(float(d), 3) for d in diameters), reverse=True)


def place_nodules(rng: np.random.Generator, site: Site) -> list[PhantomNodule]:
    """Nodules of one scan that touch neither each other nor the borders of the volume."""
    placed: list[PhantomNodule] = []
    for diameter in draw_diameters(rng):
        place = str(rng.choice(PLACES, p=PLACE_ODDS))
        centre = _free_centre(rng, site, diameter / 2, place, placed)
        if centre is not None:
            placed.append(_draw_nodule(rng, centre, diameter, place))
    return placed


def _free_centre(
    rng: np.random.Generator, site: Site, radius: float, place: str, placed: list[PhantomNodule]
) -> tuple[float, float, float] | None:
    """A centre that fits; None where the lungs are too full."""
    points = _candidates(rng, site, radius, place)
    depth = site.depth_mm(points)
    if place == "pleura":
        fits = (depth > 0.72 * radius) & (depth < 0.97 * radius)
    else:
        fits = depth > radius + 1.5
    low, high = np.asarray(site.bounds_mm).T
    fits &= np.all((points - radius - 2 > low) & (points + radius + 2 < high), axis=1)
    for other in placed:
        gap = np.linalg.norm(points - other.centre_mm, axis=1) - radius - other.radius_mm
        fits &= gap > 3.0
    index = np.flatnonzero(fits)
    if not len(index):
        return None
    z, y, x = (round(float(c), 4) for c in points[index[0]])
    return z, y, x


def _candidates(rng: np.random.Generator, site: Site, radius: float, place: str) -> Points:
    """Points to try (n, 3), in the order in which they are tried."""
    if place == "vessel":
        tree = site.vessels
        branch = rng.choice(np.flatnonzero(tree.ends >= 3), ATTEMPTS)
        side = rng.normal(size=(ATTEMPTS, 3))
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        reach = radius + 0.5 * tree.radius[branch].mean(axis=1)
        return np.asarray(tree.end[branch] + side * reach[:, None])
    nodes = np.argwhere((site.lung < 0) & (site.lung > -12 - radius))
    if place == "free":
        nodes = np.argwhere(site.lung < -radius - 1)
    if not len(nodes):
        return np.zeros((0, 3))
    chosen = nodes[rng.integers(len(nodes), size=ATTEMPTS)]
    jitter = rng.uniform(-0.5, 0.5, chosen.shape)
    return np.asarray((chosen + jitter) * site.lattice.step_mm + site.lattice.start_mm)


def _draw_nodule(
    rng: np.random.Generator, centre: tuple[float, float, float], diameter: float, place: str
) -> PhantomNodule:
    """Looks of a nodule: kind, HU, surface."""
    odds = np.asarray(KIND_ODDS) * (1, diameter > 6, diameter > 4, diameter < 12)
    kind = str(rng.choice(KINDS, p=odds / odds.sum()))
    glass = rng.uniform(-650, -350)
    solid = rng.uniform(-20, 80)
    hu = {"solid": solid, "calcified": rng.uniform(250, 900)}.get(kind, glass)
    rough = diameter > 6 and kind != "calcified" and rng.random() < 0.8
    count = int(rng.integers(4, 14)) if rough and rng.random() < 0.6 else 0
    spicules = rng.normal(size=(count, 3))
    spicules /= np.linalg.norm(spicules, axis=1, keepdims=True)
    return PhantomNodule(
        centre_mm=centre,
        diameter_mm=diameter,
        kind=kind,
        place=place,
        hu=float(hu),
        core_hu=float(solid if kind == "part-solid" else hu),
        lobulation=float(rng.uniform(0.015, 0.04)) if rough else 0.0,
        spicules=tuple((float(z), float(y), float(x)) for z, y, x in spicules),
        seed=int(rng.integers(2**31)),
    )


def spicule_tree(nodules: list[PhantomNodule]) -> Tree | None:
    """Thin strands that run out from the surface of the nodules that have them."""
    rows = [(n, np.asarray(s)) for n in nodules for s in n.spicules]
    if not rows:
        return None
    start = np.stack([n.centre_mm + s * n.radius_mm for n, s in rows])
    length = np.asarray([0.35 * n.radius_mm + 1.5 for n, _ in rows])[:, None]
    end = start + np.stack([s for _, s in rows]) * length
    radius = np.tile((0.45, 0.12), (len(rows), 1))
    return Tree(start, (start + end) / 2, end, radius, np.ones(len(rows), np.int64))


@dataclass(frozen=True)
class Patch:
    """A nodule on the voxels of a box: share of each voxel inside it, and of its core."""

    box: tuple[slice, slice, slice]
    coverage: Array
    core: Array


def render_patch(nodule: PhantomNodule, axes_mm: tuple[Array, Array, Array]) -> Patch | None:
    """Coverage of a nodule by sampling each voxel many times; None when outside the volume."""
    steps = [float(axis[1] - axis[0]) for axis in axes_mm]
    hazy = GLASS_EDGE if nodule.kind in ("ground-glass", "part-solid") else 0.0
    reach = nodule.radius_mm * (1 + 2 * nodule.lobulation + hazy)
    box, fine, parts = [], [], []
    for axis, step, centre in zip(axes_mm, steps, nodule.centre_mm, strict=True):
        near = np.flatnonzero(np.abs(axis - centre) <= reach + abs(step))
        if not len(near):
            return None
        box.append(slice(int(near[0]), int(near[-1]) + 1))
        finest = max(SUPERSAMPLING_MM, nodule.diameter_mm / 60)
        n = int(np.clip(np.ceil(abs(step) / finest), 2, 12))
        shift = ((np.arange(n) + 0.5) / n - 0.5) * step
        fine.append((axis[near].astype(np.float64)[:, None] + shift - centre).ravel())
        parts.append(n)
    share = _shape(nodule, fine[0][:, None, None], fine[1][None, :, None], fine[2][None, None])
    core_edge = 0.6 if nodule.kind == "part-solid" else 0.0
    return Patch(
        (box[0], box[1], box[2]),
        _pooled(share < 1 if not hazy else np.clip((1 + hazy - share) / (2 * hazy), 0, 1), parts),
        _pooled(share < core_edge, parts),
    )


def _shape(
    nodule: PhantomNodule,
    z: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
) -> Array:
    """Distance from the centre as a share of the radius in that direction."""
    radius = np.sqrt(z**2 + y**2 + x**2)
    if not nodule.lobulation:
        return np.asarray(radius / nodule.radius_mm, np.float32)
    rng = np.random.default_rng(nodule.seed)
    safe = np.maximum(radius, 1e-6)
    wave = np.zeros_like(radius)
    for _ in range(3):
        direction = rng.normal(size=3) * 2.2
        dot = (z * direction[0] + y * direction[1] + x * direction[2]) / safe
        wave += np.cos(dot) / 3
    surface = 1 + nodule.lobulation * wave
    # Waves that are even in the direction keep the centre. Dividing by the mean cube of the
    # radius over all directions keeps the volume.
    inside = radius < 1.3 * nodule.radius_mm
    surface /= np.cbrt((surface[inside] ** 3).mean())
    return np.asarray(radius / (nodule.radius_mm * surface), np.float32)


def _pooled(inside: npt.NDArray[np.bool_] | Array, parts: list[int]) -> Array:
    """Mean over the samples of each voxel."""
    z, y, x = (n // p for n, p in zip(inside.shape, parts, strict=True))
    blocks = inside.reshape(z, parts[0], y, parts[1], x, parts[2])
    return np.asarray(blocks.mean(axis=(1, 3, 5)), np.float32)
