"""Surfaces of nodules: a sphere's volume in any shape."""

from dataclasses import replace

import numpy as np
import pytest

from phantom.surface import Surface, draw_surface, unit_vectors

BALL = draw_surface(seed=1, radius_mm=5.0, stretch=0.0, depth=0.0, horns=0)


def volume(surface: Surface, step: float = 0.25) -> float:
    """By counting points `step` mm apart within the reach."""
    axis = np.arange(-surface.reach_mm, surface.reach_mm, step, dtype=np.float32)
    share = surface.share(axis[:, None, None], axis[None, :, None], axis[None, None, :])
    return float((share < 1).sum()) * step**3


def test_without_stretch_waves_and_horns_it_is_a_ball() -> None:
    z, y, x = (np.float32(values) for values in ([0.0, 5.0, 6.0], [3.0, 0.0, 0.0], [4.0, 0.0, 8.0]))
    # 5, 5 and 10 mm from the middle.
    np.testing.assert_allclose(BALL.share(z, y, x), [1.0, 1.0, 2.0], rtol=1e-5)


@pytest.mark.parametrize(("stretch", "depth", "horns"), [(0.3, 0, 0), (0, 0.7, 0), (0.3, 0.7, 4)])
def test_the_volume_is_the_balls(stretch: float, depth: float, horns: int) -> None:
    for seed in range(3):
        surface = draw_surface(seed, 5.0, stretch, depth, horns)
        assert volume(surface) == pytest.approx(4 / 3 * np.pi * 125, rel=0.02)


def test_a_squeeze_by_hand() -> None:
    # Along z distances count half, along y and x times the square root of two: |A| = 1.
    squeezed = replace(BALL, squeeze=np.diag([0.5, 2**0.5, 2**0.5]))
    zero = np.zeros(2, np.float32)
    found = squeezed.share(np.float32([10.0, 0.0]), zero, np.float32([0.0, 5.0]))
    # 10 / 2 / 5 and 5 * 1.414 / 5.
    np.testing.assert_allclose(found, [1.0, 2**0.5], rtol=1e-5)
    assert squeezed.reach_mm == pytest.approx(10 * 1.05)


def test_a_horn_stands_out_in_its_direction_only() -> None:
    horn = replace(
        BALL,
        horns=np.array([[0.0, 0.0, 1.0]]),
        heights=np.array([0.5]),
        sharpness=np.array([10.0]),
    )
    axes = np.eye(3)
    # Towards x the radius is 1.5 times the ball's, across it exp(-10) times a half more.
    np.testing.assert_allclose(horn.swell(axes), [1.0, 1.0, 1.5], atol=1e-4)
    # A tenth of the cosine less: 1 / e of the horn is left.
    slanted = np.array([[0.0, np.sqrt(1 - 0.81), 0.9]])
    np.testing.assert_allclose(horn.swell(slanted), 1 + 0.5 / np.e, rtol=1e-4)


def test_nothing_lies_beyond_the_reach() -> None:
    for seed in range(5):
        surface = draw_surface(seed, 8.0, 0.3, 0.7, 4)
        points = unit_vectors(np.random.default_rng(seed), 4000) * surface.reach_mm
        assert (surface.share(*points.T.astype(np.float32)) > 1).all()


def test_the_seed_draws_the_surface() -> None:
    directions = unit_vectors(np.random.default_rng(1), 20)
    first, second, other = (draw_surface(seed, 5.0, 0.2, 0.5, 2) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.swell(directions), second.swell(directions))
    assert (first.swell(directions) != other.swell(directions)).any()
