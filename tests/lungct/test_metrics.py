import math

import numpy as np
import pytest

from lungct.metrics import Mask, Overlap, dice, overlap_of


def mask(*on: int, size: int = 12) -> Mask:
    """A (2, 6) mask that holds at these flat positions."""
    made = np.zeros(size, bool)
    made[list(on)] = True
    return made.reshape(2, -1)


def test_overlap_by_hand() -> None:
    assert overlap_of(mask(0, 1, 2), mask(1, 2, 3, 4, 5)) == Overlap(2, 3, 5)
    assert overlap_of(mask(3), mask(4)) == Overlap(0, 1, 1)


@pytest.mark.parametrize(
    ("prediction", "truth", "counts"),
    [((), (), (0, 0, 0)), ((7, 8), (), (0, 2, 0)), ((), (7, 8), (0, 0, 2))],
)
def test_overlap_with_nothing(
    prediction: tuple[int, ...], truth: tuple[int, ...], counts: tuple[int, int, int]
) -> None:
    assert overlap_of(mask(*prediction), mask(*truth)) == Overlap(*counts)


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
    assert overlap_of(volume, volume) == Overlap(4, 4, 4)


def test_refuses_masks_of_different_shape() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2, 6\) and \(2, 5\)"):
        overlap_of(mask(1), mask(1, size=10))


@pytest.mark.parametrize("counts", [(3, 2, 5), (3, 5, 2), (-1, 2, 2)])
def test_counts_that_no_two_masks_have_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"got {counts[0]}, {counts[1]} and {counts[2]}"):
        Overlap(*counts)
