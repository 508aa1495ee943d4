"""Proportions and organs of the phantom's patients."""

from dataclasses import replace

import numpy as np
import pytest

from phantom.anatomy import (
    Axes,
    cage_field,
    diaphragm_field,
    dome_rise,
    draw_patient,
    fat_thickness,
    fissure_fields,
    great_vessels_field,
    heart_field,
    organ_fields,
    rib_phase,
)
from phantom.fields import TUBE_REACH_MM, Lattice
from tests.phantom.reference import PATIENT


def at(z: float, y: float, x: float) -> Axes:
    """Axes of a single point."""
    return tuple(np.full((1, 1, 1), value, np.float32) for value in (z, y, x))  # type: ignore[return-value]


def test_patients_are_adults_and_come_from_their_seed() -> None:
    patients = [draw_patient(np.random.default_rng(seed)) for seed in range(50)]
    assert patients[3] == draw_patient(np.random.default_rng(3))
    assert all(0.86 <= p.scale <= 1 and p.left_dome_mm < p.right_dome_mm for p in patients)
    contrast = [p.blood_hu > 100 for p in patients]
    assert 10 < sum(contrast) < 40
    assert 3 < sum(p.emphysema > 0 for p in patients) < 25


def test_the_dome_rises_from_0_where_the_chest_is_widest_to_1_at_its_top() -> None:
    # From -55 mm to 68 + 3 mm: 63 mm above the start is half of 126 mm.
    found = [float(dome_rise(PATIENT, z)) for z in (-100.0, -55.0, 8.0, 71.0)]
    assert found == pytest.approx([0, 0, 0.5, 1])


def test_the_chest_wall_by_hand() -> None:
    # 60 mm below the carina the chest is wider by 0.03 * 60 / 120: 121.8 mm and 89.32 mm, around
    # y = -2 mm.
    assert float(cage_field(PATIENT, at(-60, -2, 121.8)).item()) == pytest.approx(0, abs=0.01)
    assert float(cage_field(PATIENT, at(-60, 87.32, 0)).item()) == pytest.approx(0, abs=0.01)
    assert (
        cage_field(PATIENT, at(-60, 0, 60)).item() < 0 < cage_field(PATIENT, at(-60, 0, 140)).item()
    )
    # Beside the apex there is wall where further down there is lung.
    assert (
        cage_field(PATIENT, at(60, 0, 100)).item() > 0 > cage_field(PATIENT, at(-60, 0, 100)).item()
    )


def test_fat_is_thin_at_the_back() -> None:
    def thickness(y: float, x: float, fat_mm: float = 10.0) -> float:
        patient = replace(PATIENT, fat_mm=fat_mm)
        return float(fat_thickness(patient, at(0, y, x), np.float32(0)).item())

    # In front the angle is pi: 10 * (1 + 0.45 + 0.15 * cos(0.6)); at the back 1 - 0.45.
    assert thickness(-100, 0) == pytest.approx(10 * (1.45 + 0.15 * np.cos(0.6)), abs=0.01)
    assert thickness(100, 0) == pytest.approx(10 * (0.55 + 0.15 * np.cos(0.6)), abs=0.01)
    assert thickness(100, 0, fat_mm=1.0) == 2.5


def test_the_right_dome_of_the_diaphragm_is_where_the_patient_has_it() -> None:
    # Nodes every 10 mm; the right dome's middle is x = -54 mm, y = -8 mm, the fourth of each.
    axes = Lattice((-90.0, -48.0, -94.0), 10.0, (5, 9, 9)).axes()
    column = diaphragm_field(PATIENT, axes)[:, 4, 4]
    # At z = -90, -80, -70, -60, -50 mm: below, on and above -70 mm.
    assert column[2] == pytest.approx(0, abs=0.01)
    assert (column[:2] > 0).all() and (column[3:] < 0).all()


def test_vessels_are_known_near_them_only() -> None:
    near = Lattice((0.0, 42.0, 19.0), 4.0, (3, 3, 3))
    # The aorta passes (0, 42, 19) with a radius of 11.5 mm.
    assert great_vessels_field(PATIENT, near.axes())[0, 0, 0] == pytest.approx(-11.5, abs=0.3)
    far = Lattice((0.0, 300.0, 300.0), 4.0, (3, 3, 3))
    assert (great_vessels_field(PATIENT, far.axes()) == TUBE_REACH_MM).all()


def test_the_heart_lies_to_the_left() -> None:
    assert heart_field(PATIENT, at(-50, -22, 60)).item() < 0
    assert heart_field(PATIENT, at(-50, -22, -60)).item() > 0


def test_ribs_slant_down_to_the_front() -> None:
    # At the back a rib every 25 mm; in front, half a turn on, they are 108 * 0.58 = 62.64 mm lower.
    assert rib_phase(PATIENT, at(50, 80, 0)).item() == pytest.approx(2)
    assert rib_phase(PATIENT, at(50, -80, 0)).item() == pytest.approx((50 + 62.64) / 25)


def test_fissures_part_above_from_below() -> None:
    above, below = (
        fissure_fields(PATIENT, at(100, 0, -60)),
        fissure_fields(PATIENT, at(-200, 0, -60)),
    )
    assert all(field.item() > 0 for field in above) and all(field.item() < 0 for field in below)


def test_organs_have_their_places() -> None:
    lattice = Lattice((-150.0, -120.0, -160.0), 10.0, (24, 25, 33))
    fields = organ_fields(PATIENT, np.random.default_rng(0), lattice)
    assert {field.shape for field in fields.values()} == {lattice.shape}

    def value(name: str, z: float, y: float, x: float) -> float:
        index = np.subtract((z, y, x), lattice.start_mm) / 10
        return float(fields[name][tuple(np.rint(index).astype(int))])

    # Right and left lung; between them the spine; outside of the body.
    assert value("lung", 0, 0, -80) < 0 and value("lung", 0, 0, 80) < 0
    assert value("lung", 0, 80, 0) > 0 and value("middle", 0, 80, 0) < 0
    assert value("body", 0, 0, 0) < 0 < value("body", -150, -120, 160)
    # The liver on the right and the stomach on the left, both under the diaphragm.
    assert value("liver", -120, 0, -60) < 0 < value("liver", -120, 0, 60)
    assert value("stomach", -100, -20, 60) < 0 < value("stomach", -100, -20, -60)
    assert value("below", -140, 0, -50) > 0 > value("below", 0, 0, -50)
    litres = np.count_nonzero(fields["lung"] < 0) * 10**3 / 1e6
    assert 2 < litres < 8
