"""How the phantom draws a single nodule."""

import math

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.scan import Nodule
from lungct.truth.spheres import render_spheres
from phantom.fields import Lattice
from phantom.nodules import (
    PhantomNodule,
    Site,
    draw_diameters,
    place_nodules,
    render_patch,
    spicule_tree,
)
from phantom.vessels import Tree

# Spacing (z, y, x) of 2, 0.8 and 0.7 mm, from the first voxel's middle on.
AXES = tuple(np.asarray(s * np.arange(n), np.float32) for s, n in ((2.0, 30), (0.8, 60), (0.7, 64)))


def nodule(diameter: float, lobulation: float = 0.0, kind: str = "solid") -> PhantomNodule:
    spicules = ((0.0, 0.6, 0.8),) if lobulation else ()
    return PhantomNodule(
        (30.3, 22.1, 21.7), diameter, kind, "free", 20.0, 20.0, lobulation, spicules, 5
    )


@pytest.mark.parametrize("diameter", [3.0, 6.5, 14.0, 29.0])
def test_volume_and_centre_are_the_spheres(diameter: float) -> None:
    patch = render_patch(nodule(diameter), AXES)
    assert patch is not None
    volume = patch.coverage.sum() * 2.0 * 0.8 * 0.7
    assert volume == pytest.approx(math.pi / 6 * diameter**3, rel=0.02)
    weights = patch.coverage / patch.coverage.sum()
    for number, (axis, middle) in enumerate(zip(AXES, (30.3, 22.1, 21.7), strict=True)):
        others = tuple(i for i in range(3) if i != number)
        centre = (weights.sum(axis=others) * axis[patch.box[number]]).sum()
        assert centre == pytest.approx(middle, abs=0.06)


@pytest.mark.parametrize("lobulation", [0.015, 0.04])
def test_waves_of_the_surface_keep_the_truth(lobulation: float) -> None:
    patch = render_patch(nodule(20.0, lobulation), AXES)
    assert patch is not None
    drawn = np.zeros((30, 60, 64))
    drawn[patch.box] = patch.coverage
    grid = Geometry((30, 60, 64), (0, 0, 0), (0.7, 0.8, 2.0))
    truth = render_spheres([Nodule("0", (21.7, 22.1, 30.3), 20.0)], grid)
    assert 2 * np.minimum(drawn, truth).sum() / (drawn.sum() + truth.sum()) > 0.97
    assert drawn.sum() == pytest.approx(truth.sum(), rel=0.02)
    found, wanted = (np.argwhere(m > 0.5).mean(axis=0) * (2, 0.8, 0.7) for m in (drawn, truth))
    np.testing.assert_allclose(found, wanted, atol=0.1)


def test_only_part_solid_nodules_have_a_core() -> None:
    glass = render_patch(nodule(12.0, kind="ground-glass"), AXES)
    part = render_patch(nodule(12.0, kind="part-solid"), AXES)
    assert glass is not None and part is not None
    assert glass.core.sum() == 0
    # The core has 0.6 of the diameter: 0.216 of the volume.
    assert part.core.sum() / part.coverage.sum() == pytest.approx(0.216, abs=0.01)


def test_ground_glass_fades_around_the_true_surface() -> None:
    patch = render_patch(nodule(16.0, kind="ground-glass"), AXES)
    assert patch is not None
    # (1 + u)³ averaged over u from -0.12 to 0.12 is 1.0144.
    volume = patch.coverage.sum() * 2.0 * 0.8 * 0.7
    assert volume == pytest.approx(1.0144 * math.pi / 6 * 16**3, rel=0.01)
    # The middle line along x, 0.7 mm a voxel: half is reached 8 mm from the centre.
    z, y, x = (int(np.abs(a - c).argmin()) for a, c in zip(AXES, (30.3, 22.1, 21.7), strict=True))
    line = patch.coverage[z - patch.box[0].start, y - patch.box[1].start]
    right = AXES[2][patch.box[2]][x - patch.box[2].start :]
    assert np.interp(-0.5, -line[x - patch.box[2].start :], right) == pytest.approx(29.7, abs=0.2)


def test_a_nodule_out_of_the_volume_has_no_patch() -> None:
    shifted = tuple(axis + 500 for axis in AXES)
    assert render_patch(nodule(12.0), shifted) is None  # type: ignore[arg-type]


def test_spicules_lie_outside_the_sphere() -> None:
    tree = spicule_tree([nodule(10.0, 0.03)])
    assert tree is not None and len(tree) == 1
    # Radius 5 along (0, 0.6, 0.8), then 0.35 * 5 + 1.5 = 3.25 mm further.
    np.testing.assert_allclose(tree.start[0], (30.3, 25.1, 25.7))
    np.testing.assert_allclose(tree.end[0], (30.3, 27.05, 28.3))
    assert spicule_tree([nodule(10.0)]) is None


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
            assert 0.72 * n.radius_mm - 0.5 < depth < 0.97 * n.radius_mm + 0.5
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


def test_looks_follow_the_size() -> None:
    site = ball_site(60.0)
    found = [n for seed in range(60) for n in place_nodules(np.random.default_rng(seed), site)]
    for n in found:
        assert n.kind != "part-solid" or n.diameter_mm > 6
        assert n.kind != "ground-glass" or n.diameter_mm > 4
        assert n.kind != "calcified" or (n.diameter_mm < 12 and n.hu >= 250)
        assert n.core_hu == n.hu or n.kind == "part-solid"
        # Small nodules are smooth.
        assert n.diameter_mm > 6 or (n.lobulation == 0 and not n.spicules)
        for spicule in n.spicules:
            assert math.hypot(*spicule) == pytest.approx(1)
    assert any(n.spicules for n in found) and any(n.lobulation for n in found)
