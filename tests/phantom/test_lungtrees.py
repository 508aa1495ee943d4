"""Arteries, veins, airways and scars of one patient."""

from dataclasses import replace

import numpy as np
import pytest

from phantom.anatomy import organ_fields
from phantom.fields import Lattice, sample
from phantom.lungtrees import (
    BRONCHUS_ENDS,
    artery_roots,
    grow_scars,
    grow_trees,
    lobes,
    trachea_and_bronchi,
    vein_roots,
    with_wall,
)
from phantom.vessels import Tree
from tests.phantom.reference import PATIENT

LATTICE = Lattice((-30.0, -20.0, -20.0), 5.0, (13, 9, 9))


def test_walls_grow_with_the_lumen_up_to_a_limit() -> None:
    points = np.zeros((2, 3))
    airways = Tree(points, points, points, np.array([[1.0, 2.0], [8.0, 10.0]]), np.ones(2, int))
    # 0.25 + 0.14 * 1 = 0.39, + 0.14 * 2 = 0.53, + 0.14 * 8 = 1.37, and at most 1.4.
    np.testing.assert_allclose(with_wall(airways).radius, [[1.39, 2.53], [9.37, 11.4]])


def test_lobes_by_side_and_fissure() -> None:
    z, y, x = LATTICE.axes()
    oblique = np.asarray(z + 0 * y + 0 * x, np.float32)
    fields = {"oblique": oblique, "horizontal": oblique - 10}
    # The oblique fissure is at z = 0, the horizontal one at z = 10; the right side has x < 0.
    right = [(20.0, 0.0, -5.0), (5.0, 0.0, -5.0), (-5.0, 0.0, -5.0)]
    left = [(20.0, 0.0, 5.0), (5.0, 0.0, 5.0), (-5.0, 0.0, 5.0)]
    assert lobes(LATTICE, fields, np.array(right)).tolist() == [0, 1, 2]
    assert lobes(LATTICE, fields, np.array(left)).tolist() == [3, 3, 4]


def test_roots_follow_the_patients_height() -> None:
    small = replace(PATIENT, apex_mm=34.0)
    for roots in (artery_roots, vein_roots):
        whole, half = roots(PATIENT), roots(small)
        assert whole.shape == (5, 3)
        np.testing.assert_allclose(half[:, 0], whole[:, 0] / 2)
        np.testing.assert_allclose(half[:, 1:], whole[:, 1:])
        # Three lobes on the right, two on the left.
        assert (whole[:, 2] < 0).tolist() == [True] * 3 + [False] * 2


def test_each_bronchus_starts_where_another_airway_ends() -> None:
    tree = trachea_and_bronchi(PATIENT)
    ends = {tuple(end) for end in tree.end}
    assert tree.start[0].tolist() == [120, 2, 1]
    assert all(tuple(start) in ends for start in tree.start[1:])
    # Lumina do not widen along a branch.
    assert (tree.radius[:, 1] <= tree.radius[:, 0]).all()


def test_scars_are_short_strands_under_the_pleura() -> None:
    z, y, x = LATTICE.axes()
    lung = np.asarray(np.abs(x) + 0 * y + 0 * z - 18, np.float32)
    found = [grow_scars(np.random.default_rng(seed), LATTICE, lung) for seed in range(30)]
    assert any(tree is None for tree in found)
    trees = [tree for tree in found if tree is not None]
    assert {len(tree) for tree in trees} <= {1, 2, 4, 7} and len(trees) > 10
    for tree in trees:
        depth = sample(LATTICE, lung, tree.start)
        assert ((depth > -14) & (depth < -3)).all()
        length = np.linalg.norm(tree.end - tree.start, axis=1)
        assert ((length >= 10 - 1e-6) & (length <= 35 + 1e-6)).all()


def test_a_lattice_without_lung_has_no_scars() -> None:
    outside = np.full(LATTICE.shape, 9.0, np.float32)
    assert all(
        grow_scars(np.random.default_rng(seed), LATTICE, outside) is None for seed in range(10)
    )


@pytest.fixture(scope="module")
def lattice() -> Lattice:
    return Lattice((-150.0, -120.0, -160.0), 8.0, (30, 31, 41))


def test_vessels_end_in_the_lung_and_bronchi_run_beside_wide_arteries(lattice: Lattice) -> None:
    rng = np.random.default_rng(1)
    fields = organ_fields(PATIENT, rng, lattice)
    trees = grow_trees(rng, PATIENT, lattice, fields)
    ends = trees.vessels.end[trees.vessels.ends == 1]
    assert len(ends) > 1000 and (sample(lattice, fields["lung"], ends) < 0).all()
    # Arteries and veins are about as many; only arteries have bronchi.
    wide = np.count_nonzero(trees.vessels.ends >= BRONCHUS_ENDS)
    assert 0.3 * wide < len(trees.bronchi) < 0.7 * wide
    assert (trees.bronchi.ends >= BRONCHUS_ENDS).all()
