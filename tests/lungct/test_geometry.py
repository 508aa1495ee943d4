import math

import numpy as np
import pytest

from lungct.geometry import Geometry, is_orthonormal

# Columns: index x runs along world y, index y along world -x, index z along world z.
TURNED = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
GEOMETRY = Geometry((4, 5, 6), (10.0, 20.0, 30.0), (1.0, 2.0, 3.0), TURNED)


def random_direction(rng):
    return tuple(np.linalg.qr(rng.normal(size=(3, 3)))[0].ravel())


def test_voxel_to_world_by_hand():
    # Index (x, y, z) = (1, 2, 3): 1 * 1 mm along y, 2 * 2 mm along -x, 3 * 3 mm along z.
    np.testing.assert_allclose(GEOMETRY.voxel_to_world((3, 2, 1)), (6.0, 21.0, 39.0))


def test_world_to_voxel_by_hand():
    np.testing.assert_allclose(GEOMETRY.world_to_voxel((6.0, 21.0, 39.0)), (3, 2, 1), atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_voxel_world_voxel_within_a_millionth(seed):
    rng = np.random.default_rng(seed)
    spacing = tuple(rng.uniform(0.3, 5, 3))
    geometry = Geometry((7, 8, 9), tuple(rng.normal(0, 500, 3)), spacing, random_direction(rng))
    zyx = rng.uniform(-50, 600, (100, 3))
    back = geometry.world_to_voxel(geometry.voxel_to_world(zyx))
    np.testing.assert_allclose(back, zyx, rtol=0, atol=1e-6)


def test_agrees_with_itk():
    import SimpleITK as sitk

    geometry = Geometry(
        (4, 5, 6), (1, 2, 3), (0.7, 0.8, 2.5), random_direction(np.random.default_rng(3))
    )
    image = sitk.Image(6, 5, 4, sitk.sitkInt16)
    image.SetOrigin(geometry.origin_mm)
    image.SetSpacing(geometry.spacing_mm)
    image.SetDirection(geometry.direction)
    expected = image.TransformContinuousIndexToPhysicalPoint((1.5, 2.0, 3.25))
    np.testing.assert_allclose(geometry.voxel_to_world((3.25, 2.0, 1.5)), expected)


def test_sizes():
    assert GEOMETRY.voxel_volume_mm3 == 6.0
    assert GEOMETRY.spacing_zyx_mm == (3.0, 2.0, 1.0)
    assert GEOMETRY.whole == (slice(0, 4), slice(0, 5), slice(0, 6))


def test_contains_reaches_half_a_voxel_beyond_the_centres():
    zyx = [(-0.4, 0, 0), (-0.6, 0, 0), (3.4, 4.4, 5.4), (3.6, 4, 5)]
    points = GEOMETRY.voxel_to_world(zyx)
    assert GEOMETRY.contains(points).tolist() == [True, False, True, False]


def test_crop_keeps_the_place_of_voxels():
    cropped = GEOMETRY.crop((slice(1, 3), slice(2, 5), slice(0, 2)))
    assert cropped.shape == (2, 3, 2)
    np.testing.assert_allclose(
        cropped.voxel_to_world((0, 0, 0)), GEOMETRY.voxel_to_world((1, 2, 0))
    )


def test_world_box_holds_the_outer_faces():
    low, high = GEOMETRY.world_box(GEOMETRY.whole)
    # x: 5 voxels of 2 mm downwards from 10 + 1; y: 6 of 1 mm from 19.5; z: 4 of 3 mm from 28.5.
    np.testing.assert_allclose(low, (1.0, 19.5, 28.5))
    np.testing.assert_allclose(high, (11.0, 25.5, 40.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (4, 5, 0)}, r"3 positive sizes \(z, y, x\), got \(4, 5, 0\)"),
        ({"origin_mm": (0.0, float("nan"), 0.0)}, "finite origin .* got .*nan"),
        ({"spacing_mm": (0.7, 0.7, 0.0)}, r"3 positive spacings in mm, got \(0.7, 0.7, 0.0\)"),
        ({"spacing_mm": (0.7, 0.7, float("inf"))}, "3 positive spacings"),
        ({"direction": (1.0, 0.1, 0, 0, 1, 0, 0, 0, 1)}, "orthonormal direction cosines, got"),
    ],
)
def test_refuses(change, message):
    fields = {"shape": (4, 5, 6), "origin_mm": (0, 0, 0), "spacing_mm": (1, 1, 1)}
    with pytest.raises(ValueError, match=message):
        Geometry(**{**fields, **change})


def test_orthonormal_takes_permuted_flipped_and_left_handed():
    assert is_orthonormal((0, 0, -1, 1, 0, 0, 0, 1, 0))
    assert is_orthonormal((1, 0, 0, 0, 1, 0, 0, 0, -1))
    assert not is_orthonormal((1, 0, 0, 0, 0.97, 0.2, 0, 0, 1))
    assert not is_orthonormal((1, 0, 0, 0, 1, 0, 0, 0))
    assert not is_orthonormal((1, 0, 0, 0, 1, 0, 0, 0, float("nan")))


def test_voxel_bounds_are_those_of_all_corners():
    # The x axis of the grid runs along world y, its y axis against world x.
    grid = Geometry((5, 6, 7), (10.0, 20.0, 30.0), (0.5, 2.0, 4.0), (0, -1, 0, 1, 0, 0, 0, 0, 1))
    low, high = grid.voxel_bounds(np.array([4.0, 21.0, 30.0]), np.array([8.0, 22.0, 38.0]))
    # z: 0 / 4 to 8 / 4. y: (10 - 8) / 2 to (10 - 4) / 2. x: (21 - 20) / 0.5 to (22 - 20) / 0.5.
    np.testing.assert_allclose(low, (0, 1, 2), atol=1e-12)
    np.testing.assert_allclose(high, (2, 3, 4), atol=1e-12)


def test_distance_of_grids_is_that_of_the_furthest_corners():
    grid = Geometry((2, 3, 11), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    assert grid.distance_mm(grid) == 0
    # 3 mm along x and 4 mm along z everywhere.
    assert grid.distance_mm(Geometry(grid.shape, (3.0, 0.0, -4.0), grid.spacing_mm)) == 5
    # 0.1 mm more a column: 1 mm at the eleventh.
    wider = Geometry(grid.shape, (0.0, 0.0, 0.0), (1.1, 2.0, 3.0))
    assert grid.distance_mm(wider) == pytest.approx(1.0)
    # Columns run backwards from the same voxel: 20 mm at the eleventh.
    flipped = Geometry(grid.shape, (0.0, 0.0, 0.0), grid.spacing_mm, (-1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    assert grid.distance_mm(flipped) == 20
    assert grid.distance_mm(Geometry((2, 3, 10), (0.0, 0.0, 0.0), grid.spacing_mm)) == math.inf
