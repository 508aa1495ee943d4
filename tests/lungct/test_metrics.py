import math

import numpy as np
import pytest

from lungct.metrics import Mask, OverlapSums, dice, overlap, overlap_of_counts, slice_overlap


def mask(*on: int, size: int = 12) -> Mask:
    """A (2, 6) mask that holds at these flat positions."""
    made = np.zeros(size, bool)
    made[list(on)] = True
    return made.reshape(2, -1)


def test_dice_by_hand() -> None:
    assert dice(mask(0, 1, 2), mask(1, 2, 3, 4, 5)) == 2 * 2 / (3 + 5)


def test_dice_of_equal_masks_is_1_and_of_disjoint_ones_0() -> None:
    assert dice(mask(3), mask(3)) == 1.0
    assert dice(mask(3), mask(4)) == 0.0


def test_dice_of_two_empty_masks_is_undefined() -> None:
    assert math.isnan(dice(mask(), mask()))


def test_one_empty_mask_is_0() -> None:
    assert dice(mask(), mask(1)) == 0.0
    assert dice(mask(1), mask()) == 0.0


def test_works_in_three_dimensions() -> None:
    volume = np.zeros((2, 3, 4), bool)
    volume[0, 1] = True
    assert dice(volume, volume) == 1.0


def test_refuses_masks_of_different_shape() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2, 6\) and \(2, 5\)"):
        slice_overlap(mask(1), mask(1, size=10))


def test_overlap_of_three_slices_by_hand() -> None:
    total = overlap(
        [
            (mask(0, 1, 2), mask(1, 2, 3, 4, 5)),  # Dice 4/8
            (mask(7), mask()),  # one false voxel; no Dice of its own
            (mask(6), mask(6)),  # Dice 1
        ]
    )
    assert total == OverlapSums(3, 5, 6, 1.5, 2)
    assert total.pooled_dice == 6 / 11
    assert total.mean_slice_dice == 0.75
    assert total.precision == 3 / 5
    assert total.recall == 3 / 6


def test_an_empty_slice_predicted_empty_changes_nothing() -> None:
    one = slice_overlap(mask(1), mask(1, 2))
    assert one + slice_overlap(mask(), mask()) == one


def test_figures_without_slices_are_undefined() -> None:
    nothing = overlap([])
    figures = (nothing.pooled_dice, nothing.mean_slice_dice, nothing.precision, nothing.recall)
    assert all(math.isnan(figure) for figure in figures)


def test_precision_needs_a_prediction_and_recall_a_truth() -> None:
    missed, false = slice_overlap(mask(), mask(1)), slice_overlap(mask(1), mask())
    assert math.isnan(missed.precision) and missed.recall == 0
    assert math.isnan(false.recall) and false.precision == 0
    assert math.isnan(false.mean_slice_dice) and false.pooled_dice == 0


def test_overlap_of_counts_is_that_of_the_masks() -> None:
    counted = overlap_of_counts(common=2, predicted=3, truth=5)
    assert counted == slice_overlap(mask(0, 1, 2), mask(1, 2, 3, 4, 5))
    assert overlap_of_counts(0, 2, 0) == OverlapSums(0, 2, 0, 0.0, 0.0)


@pytest.mark.parametrize("counts", [(3, 2, 5), (3, 5, 2), (-1, 2, 2)])
def test_counts_that_no_slice_has_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"got {counts[0]}, {counts[1]} and {counts[2]}"):
        overlap_of_counts(*counts)
