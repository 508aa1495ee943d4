"""HU of single slices, from fields of one value."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phantom.nodules import PhantomNodule
from phantom.painter import AIR_HU, MUSCLE_HU, Painter
from phantom.patches import Patch
from tests.phantom.reference import PATIENT
from tests.phantom.test_nodules import nodule as ball

# Beside the midline, so that neither spine nor breastbone reach the slice; 2 mm along y, 1 along x.
AXES = (
    np.arange(-153, -147, 2, dtype=np.float32),
    np.arange(-8, 42, 2, dtype=np.float32),
    np.arange(60, 80, dtype=np.float32),
)
SHAPE = (len(AXES[1]), len(AXES[2]))
OUTSIDE = {
    **dict.fromkeys(("body", "muscle", "cage", "lung", "blood"), 100.0),
    **dict.fromkeys(("liver", "spleen", "stomach", "oblique", "horizontal"), 100.0),
    **dict.fromkeys(("grain", "cloud"), 0.0),
    "below": -100.0,
    "rib": 0.5,
    "plump": 1.0,
}
IN_LUNG = {"body": -60.0, "muscle": -50.0, "cage": -40.0, "lung": -20.0}


def painter(
    tubes: dict[str, Any] | None = None, nodules: list[Any] | None = None, **values: float
) -> Painter:
    """A painter whose fields have one value each: OUTSIDE, but for those given."""
    fields = {
        name: np.full(SHAPE, value, np.float32) for name, value in {**OUTSIDE, **values}.items()
    }
    sampler: Any = lambda index: fields  # noqa: E731
    return Painter(PATIENT, AXES, sampler, tubes or {}, nodules or [])


def row(plane: np.ndarray, y: float) -> np.ndarray:
    return plane[np.abs(AXES[1] - y).argmin()]


def whole(index: int) -> np.ndarray:
    """A tube that covers all of a slice."""
    return np.ones(SHAPE, np.float32)


def nodule(kind: str, hu: float, core_hu: float) -> PhantomNodule:
    return replace(ball(5.0), kind=kind, hu=hu, core_hu=core_hu)


def patch(density: float, core: float = 0.0, texture_hu: float = 0.0) -> Patch:
    """A patch of 2 x 3 pixels on slice 1."""
    box = (slice(1, 2), slice(4, 6), slice(5, 8))
    full = np.ones((1, 2, 3), np.float32)
    density, core, texture_hu = np.float32(density), np.float32(core), np.float32(texture_hu)
    return Patch(box, full, full * density, full * core, full * texture_hu)


def test_outside_of_the_body_is_air() -> None:
    plane, lung = painter().paint(0)
    assert plane.dtype == np.float32 and plane.shape == SHAPE
    assert (plane == AIR_HU).all() and (lung == 100).all()


def test_the_wall_is_fat_over_muscle() -> None:
    fat, _ = painter(body=-5.0).paint(0)
    muscle, _ = painter(body=-20.0, muscle=-10.0).paint(0)
    assert fat.mean() == pytest.approx(-105) and muscle.mean() == pytest.approx(MUSCLE_HU)


def test_lung_is_denser_towards_the_back() -> None:
    plane, _ = painter(**IN_LUNG).paint(0)
    # -900 HU in the middle and 50 HU more 80 mm behind it: 25 at 40 mm.
    assert row(plane, 0) == pytest.approx(-900) and row(plane, 40) == pytest.approx(-875, abs=0.01)


def test_fissures_are_lines_in_the_lung() -> None:
    plane, _ = painter(**IN_LUNG, oblique=0.0).paint(0)
    assert row(plane, 0) == pytest.approx(-840)


def test_vessels_stay_in_the_lung_and_the_windpipe_does_not() -> None:
    for name, in_lung, in_muscle in (("vessels", 40, MUSCLE_HU), ("windpipe", -985, -985)):
        inside, _ = painter({name: whole}, **IN_LUNG).paint(0)
        outside, _ = painter({name: whole}, body=-20.0, muscle=-10.0).paint(0)
        assert inside == pytest.approx(in_lung) and outside == pytest.approx(in_muscle)


def test_under_the_diaphragm_the_liver_is_brighter_than_its_surroundings() -> None:
    belly = {"body": -60.0, "muscle": -50.0, "cage": -40.0, "below": 20.0}
    liver, _ = painter(**belly, liver=-10.0).paint(0)
    around, _ = painter(**belly).paint(0)
    # Without contrast 35 + 22 HU, and fat around it.
    assert liver == pytest.approx(57) and around == pytest.approx(-105)


def test_a_nodule_is_mixed_in_by_its_density() -> None:
    for density, wanted in ((1.0, 30.0), (0.5, (30 - 900) / 2)):
        scan = painter(nodules=[(nodule("solid", 30.0, 30.0), patch(density))], **IN_LUNG)
        plane, _ = scan.paint(1)
        # Row 4 of the patch is y = 0, row 5 y = 2 mm, where the lung has 1.25 HU more.
        assert plane[4, 5:8] == pytest.approx(wanted)
        assert plane[4, 4] == pytest.approx(-900) and plane[4, 8] == pytest.approx(-900)
        assert scan.paint(0)[0][4, 5] == pytest.approx(-900)


def test_a_part_solid_nodule_has_a_dense_core() -> None:
    look = nodule("part-solid", -500.0, 20.0)
    core, _ = painter(nodules=[(look, patch(1.0, core=1.0))], **IN_LUNG).paint(1)
    rim, _ = painter(nodules=[(look, patch(1.0))], **IN_LUNG).paint(1)
    assert core[4, 5] == pytest.approx(20) and rim[4, 5] == pytest.approx(-500)


def test_vessels_stay_visible_in_ground_glass_only() -> None:
    for kind, wanted in (("ground-glass", 40), ("solid", -500)):
        look = nodule(kind, -500.0, -500.0)
        plane, _ = painter({"vessels": whole}, [(look, patch(1.0))], **IN_LUNG).paint(1)
        assert plane[4, 5] == pytest.approx(wanted)


def test_texture_is_not_in_the_core() -> None:
    look = nodule("part-solid", -500.0, 20.0)
    for core, wanted in ((0.0, -470), (1.0, 20)):
        drawn = [(look, patch(1.0, core, texture_hu=30.0))]
        assert painter(nodules=drawn, **IN_LUNG).paint(1)[0][4, 5] == pytest.approx(wanted)
