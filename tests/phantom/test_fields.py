"""Distance fields on the phantom's lattice."""

import numpy as np
import pytest

from phantom.fields import (
    TUBE_REACH_MM,
    Lattice,
    SliceSampler,
    bands,
    carve_tube,
    cubic_weights,
    ellipsoid,
    lattice_over,
    sample,
    smooth_max,
    smooth_min,
    smooth_noise,
)

VOXELS = tuple(
    np.asarray(a + s * np.arange(n), np.float32)
    for a, s, n in ((-20.0, 3.0, 14), (-15.0, 1.0, 37), (5.0, 0.7, 45))
)
LATTICE = lattice_over(VOXELS, 4.0)


def test_the_lattice_covers_the_voxels() -> None:
    for axis, nodes in zip(VOXELS, LATTICE.axes(), strict=True):
        assert nodes.min() <= axis.min() - 4 and nodes.max() >= axis.max() + 4


def test_cubic_weights_keep_straight_lines() -> None:
    at = np.asarray([3.1, 9.9, 17.0], np.float32)
    weights = cubic_weights(at, start_mm=-4.0, step_mm=4.0, nodes=8)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(weights @ (-4.0 + 4.0 * np.arange(8)), at, atol=1e-5)


@pytest.mark.parametrize("width", [4, 5000])
def test_bands_are_the_whole_interpolation(width: int) -> None:
    weights = cubic_weights(VOXELS[1], LATTICE.start_mm[1], 4.0, LATTICE.shape[1])
    again = np.zeros_like(weights)
    for band in bands(weights, width):
        again[band.outputs, band.inputs] = band.weights
    np.testing.assert_array_equal(again, weights)


def test_slices_of_a_straight_field_are_exact() -> None:
    z, y, x = LATTICE.axes()
    sampler = SliceSampler(LATTICE, VOXELS, {"a": 2 * z - y + 3 * x, "b": 0 * z + y + 0 * x})
    plane = sampler(5)
    # z = -20 + 5 * 3 = -5
    wanted = 2 * -5 - VOXELS[1][:, None] + 3 * VOXELS[2][None, :]
    np.testing.assert_allclose(plane["a"], wanted, atol=1e-3)
    np.testing.assert_allclose(plane["b"][:, 7], VOXELS[1], atol=1e-4)


def test_points_of_a_straight_field_are_exact() -> None:
    z, y, x = LATTICE.axes()
    points = np.array([[-5.0, 3.3, 20.1], [0.2, -7.0, 30.0]])
    found = sample(LATTICE, np.asarray(z + 10 * y - x, np.float32), points)
    np.testing.assert_allclose(found, points @ (1, 10, -1), atol=1e-3)


def test_an_ellipsoid_is_zero_on_its_surface() -> None:
    axes = Lattice((-30.0, -20.0, -10.0), 10.0, (7, 5, 3)).axes()
    distance = ellipsoid(axes, (0, 0, 0), (30, 20, 10))
    assert distance[6, 2, 1] == distance[3, 4, 1] == distance[3, 2, 2] == 0
    assert distance[3, 2, 1] <= 0 < distance[6, 4, 2]
    column = ellipsoid(axes, (0, 0, 0), (float("inf"), 20, 10))
    assert column[0, 4, 1] == 0


def test_a_tube_lowers_distances_near_it_only() -> None:
    axes = Lattice((0.0, 0.0, 0.0), 4.0, (20, 20, 20)).axes()
    nearest = np.full((20, 20, 20), TUBE_REACH_MM, np.float32)
    carve_tube(nearest, axes, np.array([[8.0, 20.0, 20.0, 3.0], [40.0, 20.0, 20.0, 3.0]]))
    # 12 mm beside the middle line, 12 mm past its end.
    assert nearest[5, 8, 5] == pytest.approx(9) and nearest[13, 5, 5] == pytest.approx(9)
    assert nearest[5, 19, 19] == TUBE_REACH_MM


def test_smooth_union_and_intersection() -> None:
    a, b = np.float32([0.0, 5.0]), np.float32([0.0, -30.0])
    # Equal distances sink by a quarter of the radius, far ones not at all.
    np.testing.assert_allclose(smooth_min(a, b, 8.0), (-2, -30))
    np.testing.assert_allclose(smooth_max(a, b, 8.0), (2, 5))


def test_noise_is_centred_and_smooth() -> None:
    lattice = Lattice((0.0, 0.0, 0.0), 4.0, (40, 40, 40))
    noise = smooth_noise(np.random.default_rng(0), lattice, 20.0)
    assert noise.shape == (40, 40, 40) and abs(noise.mean()) < 0.15
    assert 0.6 < noise.std() < 1.4
    assert np.abs(np.diff(noise, axis=0)).mean() < 0.5 * noise.std()
