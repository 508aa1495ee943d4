"""How the phantom draws a single nodule."""

import math

import numpy as np
import pytest

from phantom.fields import Lattice
from phantom.nodules import (
    KINDS,
    SHALLOWEST,
    PhantomNodule,
    Site,
    draw_diameters,
    place_nodules,
    spicule_tree,
)
from phantom.vessels import Tree


def nodule(diameter: float, spicules: tuple[tuple[float, float, float], ...] = ()) -> PhantomNodule:
    """A plain ball of soft tissue."""
    return PhantomNodule(
        centre_mm=(30.3, 22.1, 21.7),
        diameter_mm=diameter,
        kind="solid",
        place="free",
        hu=20.0,
        core_hu=20.0,
        stretch=0.0,
        lobulation=0.0,
        horns=0,
        edge_mm=0.2,
        halo=0.0,
        texture_hu=0.0,
        spicules=spicules,
        seed=5,
    )


def test_spicules_begin_within_the_surface_and_end_outside() -> None:
    tree = spicule_tree([nodule(10.0, ((0.0, 0.6, 0.8), (1.0, 0.0, 0.0))), nodule(8.0)])
    assert tree is not None and len(tree) == 2
    # Half a mm under the surface: 4.5 along (0, 0.6, 0.8).
    np.testing.assert_allclose(tree.start[0], (30.3, 22.1 + 2.7, 21.7 + 3.6), atol=1e-5)
    along = (tree.end[0] - tree.start[0]) @ (0.0, 0.6, 0.8)
    assert along == pytest.approx(np.linalg.norm(tree.end[0] - tree.start[0]))
    # 1.5 mm and 0.15 of the radius at least.
    assert along > 1.5 + 0.75
    assert (tree.radius <= 0.9).all() and spicule_tree([nodule(10.0)]) is None


def test_diameters_are_spread_over_the_logarithm() -> None:
    rng = np.random.default_rng(1)
    drawn = [d for _ in range(300) for d in draw_diameters(rng)]
    counts = np.histogram(drawn, (3, 6, 8, 15, 30.01))[0] / len(drawn)
    np.testing.assert_allclose(counts, (0.29, 0.18, 0.27, 0.26), atol=0.04)


def ball_site(radius_mm: float) -> Site:
    """A lung that is a ball around 0, with one vessel through its middle."""
    lattice = Lattice((-70.0, -70.0, -70.0), 5.0, (29, 29, 29))
    z, y, x = lattice.axes()
    lung = np.asarray(np.sqrt(z**2 + y**2 + x**2) - radius_mm, np.float32)
    start, end = np.array([[-9.0, 0.0, 0.0]]), np.array([[9.0, 0.0, 0.0]])
    vessel = Tree(start, (start + end) / 2, end, np.full((1, 2), 1.5), np.array([3]))
    return Site(lattice, lung, vessel, ((-70.0, 70.0),) * 3)


def test_nodules_are_placed_by_their_kind_of_place() -> None:
    site = ball_site(60.0)
    found = [n for seed in range(25) for n in place_nodules(np.random.default_rng(seed), site)]
    assert {n.place for n in found} == {"free", "pleura", "vessel"}
    for n in found:
        depth = 60 - math.dist(n.centre_mm, (0, 0, 0))
        # The lattice of 5 mm rounds the ball's surface a little.
        if n.place == "pleura":
            assert SHALLOWEST * n.radius_mm - 0.5 < depth < 0.97 * n.radius_mm + 0.5
        else:
            assert depth > n.radius_mm + 1
        if n.place == "vessel":
            # Its surface overlaps the vessel's end by half of the vessel's radius.
            assert math.dist(n.centre_mm, (9, 0, 0)) == pytest.approx(n.radius_mm + 0.75, abs=0.01)


def test_nodules_of_one_scan_do_not_touch() -> None:
    for seed in range(25):
        placed = place_nodules(np.random.default_rng(seed), ball_site(60.0))
        assert [n.diameter_mm for n in placed] == sorted(n.diameter_mm for n in placed)[::-1]
        for i, a in enumerate(placed):
            for b in placed[:i]:
                assert math.dist(a.centre_mm, b.centre_mm) > a.radius_mm + b.radius_mm + 3


def test_a_lung_that_is_too_small_stays_empty() -> None:
    site = ball_site(2.0)
    drawn = [place_nodules(np.random.default_rng(seed), site) for seed in range(5)]
    assert [n for nodules in drawn for n in nodules if n.place == "free"] == []


def test_as_many_nodules_as_asked_for() -> None:
    for count in (1, 7):
        assert len(place_nodules(np.random.default_rng(3), ball_site(60.0), count)) == count


def test_looks_follow_the_kind() -> None:
    site = ball_site(60.0)
    found = [n for seed in range(60) for n in place_nodules(np.random.default_rng(seed), site)]
    for n in found:
        assert n.kind != "part-solid" or n.diameter_mm > 5
        assert n.kind != "calcified" or n.hu >= 200
        assert (n.kind in ("ground-glass", "part-solid")) == (n.hu < -400)
        assert n.core_hu == n.hu or n.kind == "part-solid"
        for spicule in n.spicules:
            assert math.hypot(*spicule) == pytest.approx(1)
    assert {n.kind for n in found} == set(KINDS)
    assert any(n.spicules for n in found) and any(n.horns for n in found)
    assert any(n.halo for n in found) and not all(n.halo for n in found)
