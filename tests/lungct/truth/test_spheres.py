import itertools
import math

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.scan import Nodule
from lungct.truth.spheres import equivalent_diameter_mm, render_spheres, sphere_box, sphere_patches

OBLIQUE = tuple(np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0].ravel())
LEFT_HANDED = (0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SPACINGS_ZYX_MM = [(2.5, 0.7, 0.7), (1.0, 0.5, 0.5)]


def grid_around(spacing_zyx_mm, diameter_mm, direction):
    shape = tuple(int((diameter_mm + 4) / mm) + 4 for mm in spacing_zyx_mm)
    return Geometry(shape, (-31.0, 12.0, 500.0), spacing_zyx_mm[::-1], direction)


def centre_of_mass_mm(coverage, geometry):
    index = np.argwhere(coverage > 0)
    weight = coverage[coverage > 0].astype(float)
    return geometry.voxel_to_world(weight @ index / weight.sum())


@pytest.mark.parametrize("spacing_zyx_mm", SPACINGS_ZYX_MM)
@pytest.mark.parametrize("direction", [np.eye(3).ravel(), LEFT_HANDED, OBLIQUE], ids="ILO")
@pytest.mark.parametrize("diameter_mm", [3.0, 4.0, 6.0, 10.0, 30.0])
def test_volume_within_a_percent_and_centre_within_a_twentieth_mm(
    spacing_zyx_mm, direction, diameter_mm
):
    geometry = grid_around(spacing_zyx_mm, diameter_mm, tuple(direction))
    # A grid of places within a voxel; the worst for a 3 mm sphere lie between slices.
    places = [0.0, 0.2, 0.4] if diameter_mm > 5 else [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    for z, x in itertools.product(places, (0.0, 0.3)):
        zyx = np.asarray(geometry.shape) // 2 + (z, 0.25, x)
        centre = geometry.voxel_to_world(zyx)
        nodule = Nodule("1", tuple(centre), diameter_mm)
        coverage = render_spheres([nodule], geometry)
        volume = coverage.sum(dtype=float) * geometry.voxel_volume_mm3
        assert volume == pytest.approx(math.pi / 6 * diameter_mm**3, rel=0.01)
        assert np.linalg.norm(centre_of_mass_mm(coverage, geometry) - centre) < 0.05
        assert 0 <= coverage.min() and coverage.max() <= 1


def test_voxels_inside_are_one_and_outside_zero():
    geometry = Geometry((9, 15, 15), (0, 0, 0), (2.0, 2.0, 3.0))
    coverage = render_spheres([Nodule("1", (14.0, 14.0, 12.0), 20.0)], geometry)
    corner_mm = np.linalg.norm((1.0, 1.0, 1.5))
    world = geometry.voxel_to_world(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    distance_mm = np.linalg.norm(world - (14.0, 14.0, 12.0), axis=-1)
    np.testing.assert_allclose(coverage[distance_mm < 10 - corner_mm], 1, atol=1e-6)
    assert np.all(coverage[distance_mm > 10 + corner_mm] == 0)


def test_a_voxel_half_inside_counts_a_half():
    # The face of a sphere of 200 mm cuts the voxel at x = 100 mm through its middle.
    geometry = Geometry((1, 1, 5), (98.0, 0.0, 0.0), (1.0, 1.0, 2.0))
    coverage = render_spheres([Nodule("1", (0.0, 0.0, 0.0), 200.0)], geometry)
    np.testing.assert_allclose(coverage[0, 0], (1, 1, 0.5, 0, 0), atol=0.01)


def test_the_same_sphere_on_flipped_and_permuted_grids():
    geometry = Geometry((6, 20, 20), (0.0, 0.0, 0.0), (0.7, 0.7, 2.5))
    nodule = Nodule("1", (6.3, 7.1, 6.0), 7.0)
    # Index x runs along -z, y along x and z along y, from the far end of z.
    turned = Geometry(
        (20, 20, 6),
        (0.0, 0.0, 12.5),
        (2.5, 0.7, 0.7),
        (0.0, 1.0, 0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0),
    )
    straight = render_spheres([nodule], geometry)
    back = np.transpose(render_spheres([nodule], turned)[:, :, ::-1], (2, 0, 1))
    np.testing.assert_allclose(back, straight, atol=1e-6)


def test_partly_outside_is_cut_and_wholly_outside_is_nothing():
    geometry = Geometry((10, 20, 20), (0, 0, 0), (1.0, 1.0, 2.5))
    # The volume begins at x = -0.5 mm, the plane through the centre: half of the sphere remains.
    half = render_spheres([Nodule("1", (-0.5, 10.0, 12.0), 8.0)], geometry)
    assert half.sum() * 2.5 == pytest.approx(math.pi / 12 * 8**3, rel=0.02)
    far = Nodule("2", (-50.0, 10.0, 12.0), 8.0)
    assert sphere_box(far, geometry) is None
    assert render_spheres([far], geometry).max() == 0


def test_overlapping_nodules_never_count_twice():
    geometry = Geometry((10, 20, 20), (0, 0, 0), (1.0, 1.0, 2.0))
    nodules = [Nodule("1", (9.0, 9.0, 9.0), 8.0), Nodule("2", (11.0, 9.0, 9.0), 8.0)]
    both = render_spheres(nodules, geometry)
    patches = sphere_patches(nodules, geometry)
    assert [patch.nodule.nodule_id for patch in patches] == ["1", "2"]
    assert both.max() == 1
    assert both.sum() < sum(patch.coverage.sum() for patch in patches)


def test_no_nodules_is_an_empty_mask():
    assert render_spheres([], Geometry((2, 3, 4), (0, 0, 0), (1, 2, 3))).max() == 0


def test_sphere_within_one_thick_slice_keeps_its_volume():
    # Its place along z can't be told from one slice; the volume still can.
    geometry = Geometry((3, 20, 20), (0, 0, 0), (0.7, 0.7, 10.0))
    coverage = render_spheres([Nodule("1", (7.0, 7.0, 12.0), 4.0)], geometry)
    assert coverage.sum() * geometry.voxel_volume_mm3 == pytest.approx(math.pi / 6 * 64, rel=0.01)


def test_equivalent_diameter():
    assert equivalent_diameter_mm(math.pi / 6 * 1000) == pytest.approx(10)
