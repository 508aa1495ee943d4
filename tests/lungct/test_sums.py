"""Every formula by hand, on numbers and on one sum for each replicate."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lungct import sums
from lungct.metrics import Overlap
from lungct.sums import COLUMNS, Sums, sums_of_nodule, sums_of_scan, sums_of_slice, unpack

UNIT = 2**32  # whole numbers stand for fractions in units of its reciprocal
NAN = math.nan

# All sums of four slices, three nodules and two scans, and one figure of each formula by hand.
ALL = Sums(
    common=6,
    predicted=8,
    truth=12,
    slice_dice=UNIT,
    true_slices=4,
    nodules=5,
    hits=2,
    measured=4,
    nodule_dice=3 * UNIT,
    surface_dice=UNIT,
    volume_error=6 * UNIT,
    hausdorff_mm=9 * UNIT,
    outlined=2,
    scans=8,
    scan_dice=UNIT,
    true_scans=2,
    false_positives=3,
)
FORMULAS: list[tuple[Callable[[Sums], Any], float, str]] = [
    (sums.pooled_dice, 12 / 20, "predicted truth"),
    (sums.iou, 6 / 14, "predicted truth common"),
    (sums.precision, 6 / 8, "predicted"),
    (sums.recall, 6 / 12, "truth"),
    (sums.mean_slice_dice, 1 / 4, "true_slices"),
    (sums.scan_dice, 1 / 2, "true_scans"),
    (sums.nodule_dice, 3 / 4, "measured"),
    (sums.surface_dice, 1 / 4, "measured"),
    (sums.hausdorff_mm, 9 / 2, "outlined"),
    (sums.volume_error, 6 / 4, "measured"),
    (sums.lesion_sensitivity, 2 / 5, "nodules"),
    (sums.false_positives_per_scan, 3 / 8, "scans"),
]
NAMED = pytest.mark.parametrize(
    ("formula", "expected", "below"), FORMULAS, ids=[one[0].__name__ for one in FORMULAS]
)


@NAMED
def test_by_hand(formula: Callable[[Sums], Any], expected: float, below: str) -> None:
    assert float(formula(ALL)) == pytest.approx(expected, rel=1e-15)


@NAMED
def test_without_what_it_is_over_it_is_undefined(
    formula: Callable[[Sums], Any], expected: float, below: str
) -> None:
    assert math.isnan(formula(Sums()))
    assert math.isnan(formula(replace(ALL, **dict.fromkeys(below.split(), 0))))


@NAMED
def test_one_figure_for_each_replicate(
    formula: Callable[[Sums], Any], expected: float, below: str
) -> None:
    vectors = np.stack([ALL.vector(), Sums().vector(), 3 * ALL.vector()])
    assert formula(unpack(vectors)) == pytest.approx([expected, NAN, expected], nan_ok=True)


def test_vectors_come_back_in_their_order() -> None:
    assert COLUMNS[:3] == ("common", "predicted", "truth")
    assert ALL.vector().dtype == np.int64
    assert unpack(ALL.vector()) == ALL
    assert np.array_equal(unpack(np.stack([ALL.vector()] * 2)).predicted, [8, 8])


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap(3, 4, 4), Sums(3, 4, 4, slice_dice=3 * UNIT // 4, true_slices=1)),
        (Overlap(0, 0, 4), Sums(0, 0, 4, slice_dice=0, true_slices=1)),  # missed: 0
        (Overlap(0, 4, 0), Sums(0, 4, 0)),  # false voxels, and no Dice of its own
        (Overlap(0, 0, 0), Sums()),  # undefined, never 1
    ],
)
def test_of_a_slice(overlap: Overlap, expected: Sums) -> None:
    assert sums_of_slice(overlap) == expected


@pytest.mark.parametrize(
    ("overlap", "surface_dice", "hausdorff_mm", "hit", "expected"),
    [
        (
            Overlap(3, 6, 4),  # Dice 6/10, relative error 2/4
            0.25,
            1.5,
            True,
            {
                "measured": 1,
                "nodule_dice": round(0.6 * UNIT),
                "surface_dice": UNIT // 4,
                "volume_error": UNIT // 2,
                "hausdorff_mm": 3 * UNIT // 2,
                "outlined": 1,
            },
        ),
        # Nothing predicted: Dice 0, error 1, and no distance.
        (Overlap(0, 0, 4), 0.0, NAN, False, {"measured": 1, "volume_error": UNIT}),
        # It fills no voxel, so that there is nothing to measure, but it can be found.
        (Overlap(0, 3, 0), 0.0, NAN, True, {}),
        (Overlap(0, 0, 0), NAN, NAN, False, {}),
    ],
)
def test_of_a_nodule(
    overlap: Overlap, surface_dice: float, hausdorff_mm: float, hit: bool, expected: dict[str, int]
) -> None:
    found = sums_of_nodule(overlap, surface_dice, hausdorff_mm, hit)
    assert found == Sums(nodules=1, hits=int(hit), **expected)


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap(1, 2, 6), Sums(scans=1, scan_dice=UNIT // 4, true_scans=1, false_positives=3)),
        (Overlap(0, 0, 6), Sums(scans=1, true_scans=1, false_positives=3)),
        (Overlap(0, 2, 0), Sums(scans=1, false_positives=3)),
    ],
)
def test_of_a_scan(overlap: Overlap, expected: Sums) -> None:
    assert sums_of_scan(overlap, 3) == expected


def test_fractions_add_up_in_any_order() -> None:
    # In floating point 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ.
    dices = [sums_of_slice(Overlap(n, 10, 10)).vector() for n in (1, 2, 3)]
    there, back = (sum(dices[::step], np.zeros_like(dices[0])) for step in (1, -1))
    assert np.array_equal(there, back)
    assert float(sums.mean_slice_dice(unpack(there))) == pytest.approx(0.2, abs=2**-32)


def test_a_fraction_is_off_by_half_a_unit_at_most() -> None:
    third = sums_of_slice(Overlap(1, 3, 3)).slice_dice
    assert isinstance(third, int)
    assert abs(third / UNIT - 1 / 3) <= 0.5 / UNIT
