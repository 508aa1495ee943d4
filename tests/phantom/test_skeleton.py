"""Bones of single slices."""

import numpy as np
import pytest

from phantom.skeleton import CORTEX_HU, MARROW_HU, Skeleton, ellipse, lay, lay_bone, share
from tests.phantom.reference import PATIENT

# 2 mm along y, 1 mm along x.
Y = np.arange(-120, 140, 2, dtype=np.float32)
X = np.arange(-130, 131, 1, dtype=np.float32)


def painted(z: float, **changed: float) -> np.ndarray:
    """A slice of 0 HU with the bones at a height; by default the chest wall is far away."""
    values = {"rib": 0.5, "cage": 100.0, "muscle": 100.0, "grain": 0.0, **changed}
    plane = np.zeros((len(Y), len(X)), np.float32)
    fields = {name: np.full(plane.shape, value, np.float32) for name, value in values.items()}
    Skeleton(PATIENT, Y, X, 1.0).paint(plane, fields, z)
    return plane


def pixel(plane: np.ndarray, y: float, x: float) -> float:
    return float(plane[np.abs(Y - y).argmin(), np.abs(X - x).argmin()])


def test_share_of_a_voxel_by_distance() -> None:
    distances = np.float32([-10, -1, 0, 1, 10])
    # A voxel of 4 mm whose middle is 1 mm from the surface is covered by half, +- a quarter.
    assert share(distances, 4.0).tolist() == [1, 0.75, 0.5, 0.25, 0]


def test_lay_mixes_by_the_covered_share() -> None:
    plane = np.float32([[0, 100, 50]])
    lay(plane, np.float32([[0.25, 1, 0]]), 40.0)
    assert plane.tolist() == [[10, 40, 50]]
    lay(plane, np.float32([[0.5, 0.5, 0.5]]), np.float32([[0, 0, 10]]))
    assert plane.tolist() == [[5, 20, 30]]


def test_a_bone_has_a_shell() -> None:
    plane = np.zeros((1, 3), np.float32)
    lay_bone(plane, np.float32([[5, -1, -5]]), width_mm=1.0, cortex_mm=2.0, marrow=30.0)
    assert plane.tolist() == [[0, CORTEX_HU, MARROW_HU + 30]]


def test_distance_to_an_ellipse() -> None:
    y, x = np.float32([[0], [6], [3]]), np.float32([[0, 15]])
    found = ellipse(y, x, (0.0, 0.0), (6.0, 10.0))
    # (0, 15) is 15 * (1 - 1 / 1.5) = 5 mm outside, (6, 0) on it, (3, 0) is 3 * (1 - 2) inside.
    assert found[0, 1] == pytest.approx(5, abs=1e-5)
    assert found[1, 0] == pytest.approx(0, abs=1e-5) and found[2, 0] == pytest.approx(-3, abs=1e-5)


def test_vertebrae_and_discs_take_turns() -> None:
    # 25 mm a level: at 2.5 mm a body with shell, at 12.5 mm a disc of 85 HU. The middle is 32 mm
    # in front of the wall's back: y = 88 - 34 + 2 = 56.
    body, disc = painted(2.5), painted(12.5)
    assert pixel(body, 54, 5) == pytest.approx(MARROW_HU - 20)
    assert pixel(disc, 54, 5) == pytest.approx(85)
    assert body[:, np.abs(X) < 16].max() > 500
    # The canal, 24 mm behind the front, holds no bone.
    assert pixel(body, 78, 3) == pytest.approx(35)


def test_a_slice_far_from_the_chest_has_no_breastbone() -> None:
    def front(z: float) -> float:
        return float(painted(z)[Y < -80].max())

    assert front(0) > 400 and front(-120) == front(50) == 0


def test_collar_bones_lie_on_both_sides_near_the_top() -> None:
    plane = painted(60)
    assert plane[Y < 0][:, X < -40].max() > 400 and plane[Y < 0][:, X > 40].max() > 400
    assert painted(100)[Y < 0].max() == 0


def test_ribs_are_in_the_wall_where_the_phase_is_whole() -> None:
    # 5.2 mm outside of the chest's inner surface is the middle of a rib: marrow at the back.
    inside = painted(-150, rib=2.0, cage=5.2)
    between = painted(-150, rib=2.5, cage=5.2)
    assert pixel(inside, 130, 100) == pytest.approx(MARROW_HU)
    assert pixel(between, 130, 100) == 0
    # In front there is cartilage instead: 95 - 20 HU.
    assert pixel(inside, -110, 0) == pytest.approx(75)


def test_shoulder_blades_are_behind_the_upper_chest_only() -> None:
    # 15 to 20 mm outside of the chest's inner surface, within the muscle.
    def blade(z: float) -> float:
        plane = painted(z, cage=17.0, muscle=-20.0)
        return float(plane[(Y > 0) & (Y < 100)][:, np.abs(X) > 60].max())

    assert blade(40) > 400 and blade(-60) == 0
