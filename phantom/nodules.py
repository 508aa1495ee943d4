"""Nodules: where they sit, and what they look like."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from phantom.fields import Array, Lattice, sample
from phantom.surface import Surface, draw_surface, unit_vectors
from phantom.vessels import Points, Tree, joined

# Diameters by share of the nodules: evenly over the logarithm between these; the narrow bucket of
# 6 to 8 mm gets a larger share, so that a small data set has some.
SHARES, DIAMETERS_MM = (0.0, 0.29, 0.47, 0.74, 1.0), (3.0, 6.0, 8.0, 15.0, 30.0)
COUNTS, COUNT_ODDS = (1, 2, 3, 4, 5, 6), (0.10, 0.18, 0.22, 0.22, 0.16, 0.12)
KINDS, KIND_ODDS = ("solid", "part-solid", "ground-glass", "calcified"), (0.72, 0.09, 0.09, 0.10)
PLACES, PLACE_ODDS = ("free", "pleura", "vessel"), (0.45, 0.25, 0.30)
# How deep the middle of a nodule at the pleura lies at least, as a share of its radius.
SHALLOWEST = 0.6
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
        stretch: Deviation of the logarithm of its axes.
        lobulation: Depth of the surface's waves as a share of the radius.
        horns: How many places of the surface stand out.
        edge_mm: Over so much the density falls from all to nothing, half of it at the surface.
        halo: Density right outside of the surface, as a share of that within.
        texture_hu: Depth of the unevenness inside.
        spicules: Unit vectors (n, 3) of strands outside the surface.
        seed: For the surface and the texture.
    """

    centre_mm: tuple[float, float, float]
    diameter_mm: float
    kind: str
    place: str
    hu: float
    core_hu: float
    stretch: float
    lobulation: float
    horns: int
    edge_mm: float
    halo: float
    texture_hu: float
    spicules: tuple[tuple[float, float, float], ...]
    seed: int

    @property
    def radius_mm(self) -> float:
        """Half of the diameter."""
        return self.diameter_mm / 2

    @cached_property
    def surface(self) -> Surface:
        """The surface around its centre."""
        return draw_surface(self.seed, self.radius_mm, self.stretch, self.lobulation, self.horns)


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


def draw_diameters(rng: np.random.Generator, count: int | None = None) -> list[float]:
    """Diameters in mm of one scan's nodules, evenly spread over the logarithm, largest first."""
    count = count or int(rng.choice(COUNTS, p=COUNT_ODDS))
    share = (rng.random() + np.arange(count) * 0.61803398875) % 1
    diameters = np.exp(np.interp(share, SHARES, np.log(DIAMETERS_MM)))
    return sorted((round(float(d), 3) for d in diameters), reverse=True)


def place_nodules(
    rng: np.random.Generator, site: Site, count: int | None = None
) -> list[PhantomNodule]:
    """Nodules of one scan that touch neither each other nor the borders of the volume.

    Args:
        rng: Random numbers.
        site: Where they may be.
        count: How many, as far as they fit; one of COUNTS when None.
    """
    placed: list[PhantomNodule] = []
    for diameter in draw_diameters(rng, count):
        look = _draw_nodule(rng, diameter, str(rng.choice(PLACES, p=PLACE_ODDS)))
        centre = _free_centre(rng, site, look, placed)
        if centre is not None:
            placed.append(replace(look, centre_mm=centre))
    return placed


def _free_centre(
    rng: np.random.Generator, site: Site, look: PhantomNodule, placed: list[PhantomNodule]
) -> tuple[float, float, float] | None:
    """A centre where a nodule fits; None where the lungs are too full."""
    radius, reach = look.radius_mm, look.surface.reach_mm
    points = _candidates(rng, site, radius, look.place)
    depth = site.depth_mm(points)
    if look.place == "pleura":
        fits = (depth > SHALLOWEST * radius) & (depth < 0.97 * radius)
    else:
        fits = depth > radius + 1.5
    low, high = np.asarray(site.bounds_mm).T
    fits &= np.all((points - reach - 2 > low) & (points + reach + 2 < high), axis=1)
    for other in placed:
        gap = np.linalg.norm(points - other.centre_mm, axis=1) - reach - other.surface.reach_mm
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
        side = unit_vectors(rng, ATTEMPTS)
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


def _draw_nodule(rng: np.random.Generator, diameter: float, place: str) -> PhantomNodule:
    """Looks of a nodule, its centre at 0: kind, HU, surface."""
    odds = np.asarray(KIND_ODDS) * (1, diameter > 5, 1, 0.4 + (diameter < 8))
    kind = str(rng.choice(KINDS, p=odds / odds.sum()))
    glass = rng.uniform(-740, -430)
    solid = np.clip(rng.normal(30, 50), -130, 130)
    hu = {"solid": solid, "calcified": rng.uniform(200, 1600)}.get(kind, glass)
    hazy = kind in ("ground-glass", "part-solid")
    count = int(rng.integers(1, 4 if diameter < 8 else 12)) if rng.random() < 0.5 else 0
    return PhantomNodule(
        centre_mm=(0.0, 0.0, 0.0),
        diameter_mm=diameter,
        kind=kind,
        place=place,
        hu=float(hu),
        core_hu=float(solid if kind == "part-solid" else hu),
        stretch=float(rng.uniform(0.03, 0.3)),
        lobulation=float(rng.uniform(0.0, 0.7)),
        horns=int(rng.choice((0, 1, 2, 3, 4), p=(0.35, 0.2, 0.2, 0.15, 0.1))),
        edge_mm=float(diameter * rng.uniform(0.08, 0.25) if hazy else rng.uniform(0.1, 0.9)),
        halo=float(rng.uniform(0.0, 0.15)) if rng.random() < 0.6 else 0.0,
        texture_hu=float(rng.uniform(15, 80) if hazy else rng.uniform(0, 40)),
        spicules=tuple((float(z), float(y), float(x)) for z, y, x in unit_vectors(rng, count)),
        seed=int(rng.integers(2**31)),
    )


def spicule_tree(nodules: list[PhantomNodule]) -> Tree | None:
    """Strands that run out from the surface of the nodules that have them: spicules and tails."""
    parts = [_spicules(nodule) for nodule in nodules if nodule.spicules]
    return joined(parts) if parts else None


def _spicules(nodule: PhantomNodule) -> Tree:
    """The strands of one nodule; they begin a little within the surface."""
    rng = np.random.default_rng([nodule.seed, 1])
    ways = np.asarray(nodule.spicules)
    far = 1 / nodule.surface.share(ways[:, 0], ways[:, 1], ways[:, 2])[:, None]
    count = len(ways)
    start = nodule.centre_mm + ways * (far - 0.5)
    length = rng.gamma(1.5, 2.0, (count, 1)) + 1.5 + 0.15 * nodule.radius_mm
    end = start + ways * length
    bend = (start + end) / 2 + rng.normal(0, 0.12, (count, 3)) * length
    thick = rng.uniform(0.25, 0.9, (count, 1))
    radius = thick * np.concatenate([np.ones((count, 1)), rng.uniform(0.2, 1, (count, 1))], 1)
    return Tree(start, bend, end, radius, np.ones(count, np.int64))
