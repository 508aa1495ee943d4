"""Figures, changes and gaps with their intervals by patients."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from lungct.figures import (
    COUNTS,
    FIGURES,
    Measured,
    count,
    measure,
    measure_change,
    measure_gap,
)
from lungct.intervals import replicate_weights
from lungct.metrics import Overlap
from lungct.sums import sums_of_nodule, sums_of_scan, sums_of_slice
from lungct.tally import Counts, Key, Part, Tally

REPLICATES = 200
# By patient the voxels that are common, predicted and true. Pooled Dice 4/8, 12/16 and 0/2.
VOXELS = {"a": (2, 4, 4), "b": (6, 8, 8), "c": (0, 1, 1)}
BETTER = {"a": (2, 4, 4), "b": (7, 8, 8), "c": (1, 1, 1)}


def part_of(voxels: Mapping[str, tuple[int, int, int]]) -> Part:
    """A slice, a scan, and a nodule where anything is true, of each patient."""
    made = Tally()
    for patient, counts in voxels.items():
        overlap, key = Overlap(*counts), Key("eval", ("3-6",), patient, "root")
        made.add(key, {"m": Counts(sums_of_slice(overlap).vector())})
        scan = sums_of_scan(overlap, 1).vector()
        made.add(key, {"m": Counts(scan, false_positives=(0.5,))})
        if overlap.truth:
            hits = (overlap.common / 8,) if overlap.common else ()
            nodule = sums_of_nodule(overlap, 0.5, 2.0, bool(hits)).vector()
            made.add(key, {"m": Counts(nodule, hits=hits)})
    return made.part("m")


def test_figures_by_hand() -> None:
    part = part_of(VOXELS)
    expected = {
        "pooled_dice": 2 * 8 / 26,
        "iou": 8 / (13 + 13 - 8),
        "precision": 8 / 13,
        "recall": 8 / 13,
        "mean_slice_dice": (0.5 + 0.75 + 0) / 3,
        "nodule_dice": (0.5 + 0.75 + 0) / 3,
        "scan_dice": (0.5 + 0.75 + 0) / 3,
        "surface_dice": 0.5,
        "hausdorff_mm": 2.0,
        "volume_error": 0.0,
        "lesion_sensitivity": 2 / 3,
        "false_positives_per_scan": 1.0,
        # A hit at 0.75; then false positives at 0.5, one in each scan; then a hit at 0.25.
        "sensitivity_at_0.125": 1 / 3,
        "sensitivity_at_0.25": 1 / 3,
        "sensitivity_at_0.5": 1 / 3,
        "sensitivity_at_1": 2 / 3,
        "sensitivity_at_2": 2 / 3,
        "sensitivity_at_4": 2 / 3,
        "sensitivity_at_8": 2 / 3,
        "cpm": (3 * 1 / 3 + 4 * 2 / 3) / 7,
    }
    assert {key: measure(key, part, 0).value for key in FIGURES} == pytest.approx(expected)
    assert {key: count(key, part) for key in COUNTS} == {"patients": 3, "scans": 3, "nodules": 3}


@pytest.mark.parametrize("key", FIGURES)
def test_the_interval_holds_the_figure(key: str) -> None:
    found = measure(key, part_of(VOXELS), REPLICATES)
    assert found.lower <= found.value <= found.upper


def test_the_interval_is_that_of_the_drawn_patients() -> None:
    weights = replicate_weights(3, REPLICATES, seed=1)
    drawn = (2 * (weights @ [2, 6, 0])) / (weights @ [8, 16, 2])
    found = measure("pooled_dice", part_of(VOXELS), REPLICATES)
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))))


@pytest.mark.parametrize("key", FIGURES)
def test_the_interval_of_identical_patients_is_a_point(key: str) -> None:
    same = part_of(dict.fromkeys("abcd", (2, 4, 4)))
    found = measure(key, same, REPLICATES)
    assert found == Measured(found.value, found.value, found.value)


@pytest.mark.parametrize("key", FIGURES)
def test_the_change_between_equal_models_is_exactly_0(key: str) -> None:
    found = measure_change(key, part_of(VOXELS), part_of(VOXELS), REPLICATES)
    assert found == Measured(0.0, 0.0, 0.0)


def test_a_change_by_hand() -> None:
    found = measure_change("pooled_dice", part_of(BETTER), part_of(VOXELS), REPLICATES)
    # 20/26 - 16/26; of `a` alone 0, of `b` alone 14/16 - 12/16, of `c` alone 1.
    assert found.value == pytest.approx(4 / 26)
    # No patient is worse: nor is a draw, though the intervals of both models overlap.
    now, before = (measure("pooled_dice", part_of(one), REPLICATES) for one in (BETTER, VOXELS))
    assert now.lower < before.upper
    assert 0 <= found.lower < found.value < found.upper <= 1


def test_a_change_the_other_way_round_is_its_negative() -> None:
    there, back = (
        measure_change("pooled_dice", part_of(one), part_of(other), REPLICATES)
        for one, other in ((BETTER, VOXELS), (VOXELS, BETTER))
    )
    assert (back.value, back.lower, back.upper) == pytest.approx(
        (-there.value, -there.upper, -there.lower)
    )


def test_a_change_on_other_patients_is_refused() -> None:
    fewer = {name: VOXELS[name] for name in "ab"}
    with pytest.raises(ValueError, match="judged on the same patients, got 3 and 2"):
        measure_change("pooled_dice", part_of(VOXELS), part_of(fewer), REPLICATES)
    renamed = {**fewer, "d": VOXELS["c"]}
    with pytest.raises(ValueError, match="judged on the same patients, got 3 and 3"):
        measure_change("pooled_dice", part_of(VOXELS), part_of(renamed), REPLICATES)


def test_a_gap_by_hand() -> None:
    train, held_out = {"x": (4, 4, 4), "y": (2, 4, 4)}, VOXELS
    found = measure_gap("pooled_dice", part_of(train), part_of(held_out), REPLICATES)
    assert found.value == pytest.approx(12 / 16 - 16 / 26)
    # Train from 0.5 to 1, eval from 0 to 0.75.
    assert 0.5 - 0.75 <= found.lower < found.value < found.upper <= 1 - 0


def test_both_splits_of_a_gap_are_drawn_apart() -> None:
    # Paired draws of the same numbers of patients would always give 0.
    found = measure_gap("pooled_dice", part_of(VOXELS), part_of(VOXELS), REPLICATES)
    assert found.value == 0
    assert found.lower < 0 < found.upper


@pytest.mark.parametrize("replicates", [0, REPLICATES])
def test_of_one_patient_there_is_no_interval(replicates: int) -> None:
    one = part_of({"a": VOXELS["a"]})
    for found in (
        measure("pooled_dice", one, replicates),
        measure_gap("pooled_dice", part_of(VOXELS), one, replicates),
        measure_change("pooled_dice", one, one, replicates),
    ):
        assert math.isfinite(found.value)
        assert math.isnan(found.lower) and math.isnan(found.upper)


def test_without_replicates_there_is_no_interval() -> None:
    found = measure("pooled_dice", part_of(VOXELS), 0)
    assert math.isfinite(found.value) and math.isnan(found.lower) and math.isnan(found.upper)


@pytest.mark.parametrize("key", FIGURES)
def test_of_nothing_all_is_undefined(key: str) -> None:
    nothing = Tally().part("m")
    for found in (
        measure(key, nothing, REPLICATES),
        measure_change(key, nothing, nothing, REPLICATES),
        measure_gap(key, part_of(VOXELS), nothing, REPLICATES),
    ):
        assert all(map(math.isnan, (found.value, found.lower, found.upper)))


def test_draws_in_which_a_figure_is_undefined_are_left_out() -> None:
    # One draw in thirteen misses both of the patients in whom anything is true.
    rare = part_of({**dict.fromkeys("ab", (2, 4, 4)), **dict.fromkeys("cde", (0, 0, 0))})
    assert measure("recall", rare, REPLICATES) == Measured(0.5, 0.5, 0.5)


@pytest.mark.parametrize("key", sorted(set(FIGURES) - {"false_positives_per_scan"}))
def test_of_one_patient_with_truth_there_is_no_interval(key: str) -> None:
    # The scans of the others are drawn too, but this figure does not vary with them.
    one, two = (
        part_of({**dict.fromkeys(names, (2, 4, 4)), **dict.fromkeys("cde", (0, 0, 0))})
        for names in ("a", "ab")
    )
    for found in (
        measure(key, one, REPLICATES),
        measure_change(key, one, one, REPLICATES),
        measure_gap(key, two, one, REPLICATES),
        measure_gap(key, one, two, REPLICATES),
    ):
        assert math.isfinite(found.value)
        assert math.isnan(found.lower) and math.isnan(found.upper)
    assert math.isfinite(measure(key, two, REPLICATES).lower)
