"""Trees of vessels, and their share of the voxels."""

import numpy as np
import pytest

from phantom.fields import Lattice, sample
from phantom.vessels import (
    Cloud,
    SliceSplatter,
    Tree,
    fill,
    grow,
    joined,
    scatter_ends,
    trace,
)

AXES = tuple(np.asarray(s * np.arange(n), np.float32) for s, n in ((2.0, 20), (1.0, 40), (0.5, 80)))


def straight(start: tuple[float, ...], end: tuple[float, ...], radius: float) -> Tree:
    a, b = np.array([start]), np.array([end])
    return Tree(a, (a + b) / 2, b, np.full((1, 2), radius), np.array([1]))


def spread(tree: Tree, cell_mm: float = 0.4) -> np.ndarray:
    splatter = SliceSplatter(fill(np.random.default_rng(0), tree, cell_mm), AXES)
    return np.stack([splatter(i) for i in range(20)])


@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
def test_volume_is_kept(radius: float) -> None:
    covered = spread(straight((19.0, 10.0, 20.0), (19.0, 30.0, 20.0), radius))
    # A cylinder of 20 mm in voxels of 2 * 1 * 0.5 = 1 mm³.
    assert covered.sum() == pytest.approx(np.pi * radius**2 * 20, rel=0.01)


def test_a_wide_tube_fills_its_middle_and_nothing_else() -> None:
    covered = spread(straight((2.0, 20.0, 20.0), (36.0, 20.0, 20.0), 5.0))[10]
    assert covered[20, 36:45].min() > 0.8
    assert covered[:13].max() == covered[28:].max() == 0


def test_flipped_axes_mirror_the_slices() -> None:
    tree = straight((8.0, 10.0, 10.0), (30.0, 30.0, 30.0), 1.0)
    cloud = fill(np.random.default_rng(0), tree, 0.5)
    upright = SliceSplatter(cloud, AXES)(7)
    mirrored = SliceSplatter(cloud, (AXES[0], AXES[1][::-1], AXES[2][::-1]))(7)
    np.testing.assert_allclose(mirrored[::-1, ::-1], upright, atol=1e-4)


def test_points_out_of_the_volume_are_left_out() -> None:
    cloud = Cloud(np.array([[-50.0, 5, 5], [5.0, 500, 5], [10.0, 5, 5]]), np.ones(3))
    splatter = SliceSplatter(cloud, AXES)
    assert sum(splatter(i).sum() for i in range(20)) == pytest.approx(1.0)


def test_a_tree_reaches_every_end_and_tapers() -> None:
    rng = np.random.default_rng(3)
    ends = rng.uniform((0, 0, 10), (60, 50, 80), (200, 3))
    tree = grow(rng, ends, np.zeros(200, int), np.array([[30.0, 25.0, 0.0]]), 0.4)
    tips = tree.end[tree.ends == 1]
    assert len(tips) == 200
    np.testing.assert_allclose(np.sort(tips, axis=0), np.sort(ends, axis=0))
    # 0.4 mm * 200 ** (1 / 2.55) = 3.2 mm at the root, 12% more where it begins.
    assert tree.radius.max() == pytest.approx(1.12 * 0.4 * 200 ** (1 / 2.55))
    assert (tree.radius[:, 1] <= tree.radius[:, 0]).all()
    assert tree.radius[tree.ends == 1].max() <= 0.4 * 1.12


def test_groups_stay_apart() -> None:
    rng = np.random.default_rng(3)
    left = rng.uniform((0, 0, 10), (40, 40, 40), (60, 3))
    ends = np.concatenate([left, left + (0, 0, 100)])
    roots = np.array([[20.0, 20.0, 0.0], [20.0, 20.0, 100.0]])
    tree = grow(rng, ends, np.repeat([0, 1], 60), roots, 0.4)
    assert ((tree.start[:, 2] < 60) == (tree.end[:, 2] < 60)).all()


def test_no_ends_give_no_branches() -> None:
    tree = straight((0.0, 0, 0), (1.0, 1, 1), 0.5)
    assert len(joined([tree, tree])) == 2
    assert len(tree.only(np.array([False]))) == 0
    np.testing.assert_allclose(tree.moved(np.array([[1.0, 2, 3]])).end, [[2, 3, 4]])


def test_branches_are_chosen_and_moved() -> None:
    both = joined([straight((0, 0, 0), (0, 0, 8), 1.0), straight((0, 4, 0), (6, 4, 0), 2.0)])
    second = both.only(both.radius[:, 0] > 1.5)
    assert len(both) == 2 and len(second) == 1 and second.start.tolist() == [[0, 4, 0]]
    moved = second.moved(np.array([[1.0, -4.0, 0.5]]))
    assert moved.start.tolist() == [[1, 0, 0.5]] and moved.end.tolist() == [[7, 0, 0.5]]
    assert moved.bend.tolist() == [[4, 0, 0.5]] and moved.radius.tolist() == [[2, 2]]


def test_points_along_a_straight_branch() -> None:
    tree = straight((0.0, 0.0, 0.0), (0.0, 0.0, 8.0), 1.0)
    tapered = Tree(tree.start, tree.bend, tree.end, np.array([[2.0, 1.0]]), tree.ends)
    position, tangent, radius, length = trace(tapered, 2.1)
    # 8 * 1.05 / 2.1 = 4 pieces of 2 mm; their middles are at 1, 3, 5 and 7 mm.
    np.testing.assert_allclose(position, [[0, 0, x] for x in (1, 3, 5, 7)], atol=1e-9)
    np.testing.assert_allclose(tangent, [[0, 0, 1]] * 4, atol=1e-9)
    np.testing.assert_allclose(radius, [1.875, 1.625, 1.375, 1.125])
    np.testing.assert_allclose(length, [2, 2, 2, 2])


def test_ends_are_spread_through_the_lung_and_keep_away_from_the_pleura() -> None:
    lattice = Lattice((-40.0, -30.0, -30.0), 5.0, (17, 13, 13))
    z, y, x = lattice.axes()
    lung = np.asarray(np.sqrt(z**2 + y**2 + x**2) - 28, np.float32)
    ends = scatter_ends(np.random.default_rng(2), lattice, lung, apart_mm=4.0)
    depth = sample(lattice, lung, ends)
    assert depth.max() < -2
    # One end for every 64 mm³ of the inner ball of 28 - 9 = 19 mm at least, of 26 mm at most.
    fewest, most = (4 / 3 * np.pi * radius**3 / 64 for radius in (19, 26))
    assert 0.9 * fewest < len(ends) < 1.1 * most
    assert np.abs(ends.mean(axis=0)).max() < 2
