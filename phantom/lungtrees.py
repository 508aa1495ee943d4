"""Arteries, veins and airways of one patient."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from phantom.anatomy import Patient
from phantom.fields import Array, Lattice, sample
from phantom.vessels import Labels, Points, Tree, grow, joined, scatter_ends

# A bronchus is drawn along every artery that feeds at least so many ends.
BRONCHUS_ENDS = 60


@dataclass(frozen=True)
class LungTrees:
    """Blood vessels; windpipe with main bronchi, and bronchi, by their lumen; strands of scar."""

    vessels: Tree
    windpipe: Tree
    bronchi: Tree
    scars: Tree | None


def with_wall(airways: Tree) -> Tree:
    """Airways by the outside of their wall."""
    wall_mm = np.minimum(0.25 + 0.14 * airways.radius, 1.4)
    return dataclasses.replace(airways, radius=airways.radius + wall_mm)


def lobes(lattice: Lattice, fields: dict[str, Array], points: Points) -> Labels:
    """Lobe of each point (n, 3): right upper, middle, lower 0 to 2, left upper, lower 3 and 4."""
    upper = sample(lattice, fields["oblique"], points) > 0
    top = sample(lattice, fields["horizontal"], points) > 0
    right = np.where(upper, np.where(top, 0, 1), 2)
    return np.asarray(np.where(points[:, 2] < 0, right, np.where(upper, 3, 4)), np.int64)


def artery_roots(patient: Patient) -> Points:
    """Where the arteries of the five lobes leave the hilum, (5, 3) mm as (z, y, x)."""
    k = patient.scale
    return np.asarray(
        [(-8, -2, -32), (-24, 2, -36), (-28, 8, -36), (-2, 2, 36), (-16, 10, 38)], float
    ) * (k, 1, 1)


def vein_roots(patient: Patient) -> Points:
    """Where the veins of the five lobes reach the left atrium."""
    k = patient.scale
    return np.asarray(
        [(-26, -4, -30), (-30, -2, -32), (-42, 12, -26), (-24, -6, 34), (-40, 14, 30)], float
    ) * (k, 1, 1)


def trachea_and_bronchi(patient: Patient) -> Tree:
    """Windpipe, main bronchi and the stems to the five lobes as one tree of lumina."""
    k = patient.scale
    carina = (0.0, 14.0, -1.0)
    right, left = (-16 * k, 16.0, -22.0), (-19 * k, 18.0, 30.0)
    lines = [
        ((120 * k, 2.0, 1.0), (52 * k, 6.0, 1.0), 8.2, 8.2),
        ((52 * k, 6.0, 1.0), carina, 8.2, 8.0),
        (carina, right, 7.0, 6.4),
        (carina, left, 6.2, 5.4),
        (right, (-8 * k, 10.0, -36.0), 5.0, 4.0),
        (right, (-30 * k, 16.0, -34.0), 5.6, 4.4),
        (left, (-14 * k, 8.0, 40.0), 4.8, 3.8),
        (left, (-32 * k, 22.0, 38.0), 4.8, 4.0),
    ]
    start, end = (np.asarray([line[i] for line in lines]) for i in (0, 1))
    radius = np.asarray([line[2:] for line in lines], float)
    return Tree(start, (start + end) / 2, end, radius, np.full(len(lines), 1000))


def grow_trees(
    rng: np.random.Generator, patient: Patient, lattice: Lattice, fields: dict[str, Array]
) -> LungTrees:
    """Grows arteries and veins through the lobes, and bronchi along the arteries."""
    trees = []
    for roots in (artery_roots(patient), vein_roots(patient)):
        ends = scatter_ends(rng, lattice, fields["lung"], apart_mm=rng.uniform(7.0, 7.8))
        trees.append(grow(rng, ends, lobes(lattice, fields, ends), roots, patient.vessel_mm))
    arteries, veins = trees
    beside = arteries.only(arteries.ends >= BRONCHUS_ENDS)
    width = beside.radius[:, :1]
    offset = np.where(beside.start[:, 2:] < 0, (0.2, 0.7, 0.7), (0.2, 0.7, -0.7))
    bronchi = beside.moved(offset * width * 1.6)
    bronchi = Tree(bronchi.start, bronchi.bend, bronchi.end, bronchi.radius * 0.7, bronchi.ends)
    scars = grow_scars(rng, lattice, fields["lung"])
    return LungTrees(joined([arteries, veins]), trachea_and_bronchi(patient), bronchi, scars)


def grow_scars(rng: np.random.Generator, lattice: Lattice, lung: Array) -> Tree | None:
    """A few thin strands under the pleura; None in a lung without."""
    count = int(rng.choice((0, 0, 1, 2, 4, 7)))
    nodes = np.argwhere((lung < -3) & (lung > -14))
    if not (count and len(nodes)):
        return None
    start = nodes[rng.integers(len(nodes), size=count)] * lattice.step_mm + lattice.start_mm
    way = rng.normal(size=(count, 3)) * (0.5, 1, 1)
    way *= rng.uniform(10, 35, (count, 1)) / np.linalg.norm(way, axis=1, keepdims=True)
    bend = start + way / 2 + rng.normal(0, 3, (count, 3))
    radius = np.repeat(rng.uniform(0.5, 1.3, (count, 1)), 2, axis=1)
    return Tree(start, bend, start + way, radius, np.ones(count, np.int64))
