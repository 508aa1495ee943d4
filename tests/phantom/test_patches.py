"""A nodule's share of the voxels, and what is painted there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.scan import Nodule
from lungct.truth.spheres import render_spheres
from phantom.fields import Lattice
from phantom.patches import LungField, render_patch
from tests.phantom.test_nodules import nodule

# Spacing (z, y, x) of 2, 0.8 and 0.7 mm, from the first voxel's middle on.
AXES = tuple(np.asarray(s * np.arange(n), np.float32) for s, n in ((2.0, 30), (0.8, 60), (0.7, 64)))
VOXEL_MM3 = 2.0 * 0.8 * 0.7


def ball_mm3(diameter: float) -> float:
    return math.pi / 6 * diameter**3


@pytest.mark.parametrize("diameter", [3.0, 6.5, 14.0, 29.0])
def test_volume_and_centre_are_the_balls(diameter: float) -> None:
    patch = render_patch(nodule(diameter), AXES)
    assert patch is not None
    assert patch.coverage.sum() * VOXEL_MM3 == pytest.approx(ball_mm3(diameter), rel=0.02)
    weights = patch.coverage / patch.coverage.sum()
    for number, (axis, middle) in enumerate(zip(AXES, (30.3, 22.1, 21.7), strict=True)):
        others = tuple(i for i in range(3) if i != number)
        centre = (weights.sum(axis=others) * axis[patch.box[number]]).sum()
        assert centre == pytest.approx(middle, abs=0.06)


def test_coverage_is_that_of_a_sphere_in_every_voxel() -> None:
    patch = render_patch(nodule(15.0), AXES)
    assert patch is not None
    drawn = np.zeros((30, 60, 64))
    drawn[patch.box] = patch.coverage
    grid = Geometry((30, 60, 64), (0, 0, 0), (0.7, 0.8, 2.0))
    truth = render_spheres([Nodule("0", (21.7, 22.1, 30.3), 15.0)], grid)
    # 7 × 3 × 3 points of a voxel tell 63 shares apart, and spheres move some share to keep moments.
    np.testing.assert_allclose(drawn, truth, atol=0.15)
    partial = (truth > 0) & (truth < 1)
    assert np.abs(drawn - truth)[partial].mean() < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_rough_nodules_keep_the_volume(seed: int) -> None:
    rough = replace(nodule(20.0), stretch=0.25, lobulation=0.6, horns=3, seed=seed)
    patch = render_patch(rough, AXES)
    assert patch is not None
    assert patch.coverage.sum() * VOXEL_MM3 == pytest.approx(ball_mm3(20.0), rel=0.02)


def test_half_of_the_density_is_left_a_little_within_the_surface() -> None:
    patch = render_patch(replace(nodule(16.0), edge_mm=3.0), AXES)
    assert patch is not None
    # The middle line along x, 0.7 mm a voxel: from all to nothing between 6.3 and 9.3 mm.
    z, y, x = (int(np.abs(a - c).argmin()) for a, c in zip(AXES, (30.3, 22.1, 21.7), strict=True))
    line = patch.density[z - patch.box[0].start, y - patch.box[1].start][x - patch.box[2].start :]
    right = AXES[2][patch.box[2]][x - patch.box[2].start :] - 21.7
    assert np.interp(-0.5, -line, right) == pytest.approx(7.8, abs=0.15)
    assert (line[right < 5.5] == 1).all() and (line[right > 10.5] == 0).all()
    # The truth falls from 1 to 0 within a voxel of the surface.
    truth = patch.coverage[z - patch.box[0].start, y - patch.box[1].start][x - patch.box[2].start :]
    assert (truth[right < 7] == 1).all() and (truth[right > 9] == 0).all()


def test_a_halo_lies_outside_of_the_truth() -> None:
    patch = render_patch(replace(nodule(10.0), halo=0.1), AXES)
    assert patch is not None
    around = patch.density[patch.coverage == 0]
    assert around.max() == pytest.approx(0.1, abs=0.03) and (around > 0).all()
    assert patch.coverage.sum() * VOXEL_MM3 == pytest.approx(ball_mm3(10.0), rel=0.02)


def test_the_pleura_cuts_a_nodule() -> None:
    # The lung is where x is below 21.7 mm: half of the nodule lies in it.
    lattice = Lattice((-8.0, -8.0, -8.0), 4.0, (22, 20, 20))
    distance = np.broadcast_to(lattice.axes()[2] - np.float32(21.7), lattice.shape)
    patch = render_patch(nodule(12.0), AXES, LungField(lattice, np.asarray(distance)))
    assert patch is not None
    assert patch.coverage.sum() * VOXEL_MM3 == pytest.approx(ball_mm3(12.0) / 2, rel=0.03)
    x = AXES[2][patch.box[2]]
    assert patch.coverage[:, :, x > 22.1].max() == 0 and patch.coverage[:, :, x < 21.3].max() == 1
    # Half a mm beyond the pleura nothing of it is painted.
    assert patch.density[:, :, x > 22.6].max() == 0


def test_a_nodule_may_reach_into_the_last_slice_only() -> None:
    lattice = Lattice((-8.0, -8.0, -8.0), 4.0, (22, 20, 20))
    lung = LungField(lattice, np.full(lattice.shape, -3.0, np.float32))
    above = (np.asarray(AXES[0] + np.float32(36.8), np.float32), *AXES[1:])
    patch = render_patch(nodule(12.0), (above[0], above[1], above[2]), lung)
    # From 24.3 to 36.3 mm; the first slice reaches down to 35.8 mm.
    assert patch is not None and patch.box[0] == slice(0, 1)
    assert 0 < patch.coverage.max() < 0.3


def test_only_part_solid_nodules_have_a_core() -> None:
    glass = render_patch(replace(nodule(12.0), kind="ground-glass"), AXES)
    assert glass is not None and glass.core.sum() == 0
    for seed in range(5):
        part = render_patch(replace(nodule(12.0), kind="part-solid", seed=seed), AXES)
        assert part is not None
        # From 0.35 to 0.75 of the diameter.
        assert 0.35**3 - 0.02 < part.core.sum() / part.coverage.sum() < 0.75**3 + 0.04
        assert (part.core <= part.coverage).all()


def test_texture_has_its_depth() -> None:
    patch = render_patch(replace(nodule(28.0), texture_hu=50.0), AXES)
    assert patch is not None
    assert patch.texture_hu.std() == pytest.approx(50, rel=0.3)
    plain = render_patch(nodule(28.0), AXES)
    assert plain is not None and not plain.texture_hu.any()


def test_a_nodule_out_of_the_volume_has_no_patch() -> None:
    shifted = tuple(axis + 500 for axis in AXES)
    assert render_patch(nodule(12.0), shifted) is None  # type: ignore[arg-type]
