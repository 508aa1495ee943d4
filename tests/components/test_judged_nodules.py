"""Nodules of a judged scan and the boxes around them, by hand on a grid of 3, 2 and 1 mm."""

import math

import numpy as np
import pytest

from components.segment_scans.judging import nodule_box
from lungct.metrics import Overlap
from schema.judged import Place
from tests.components.test_judging import Voxel, Voxels, judge, nodule, nodules_of, scan


def test_a_nodule_by_hand() -> None:
    # Two slices of truth; the prediction is the first of them and a voxel to the right.
    judged = scan([nodule(bucket="6-8", diameter_mm=7.0)], [np.s_[2:4, 4, 7:10]], {"1": (2, 3)})
    (found,) = nodules_of(judge(judged, (np.s_[2, 4, 7:11], 0.75)))
    assert found.place == Place("eval", "1.2", "somebody", "made", ("6-8",))
    assert (found.nodule_id, found.diameter_mm) == ("1", 7.0)
    assert found.centre_mm == (-2.0, 13.0, 106.0)
    figures = found.figures["m"]
    assert figures.overlap == Overlap(3, 4, 6)
    assert 0 < figures.surface_dice < 1
    # The second slice is 3 mm away.
    assert figures.hausdorff_mm == pytest.approx(3.0)


def test_equal_masks_agree_wholly() -> None:
    (found,) = nodules_of(judge(scan([nodule()], [np.s_[2, 4, 7:10]]), (np.s_[2, 4, 7:10], 1.0)))
    assert (found.figures["m"].surface_dice, found.figures["m"].hausdorff_mm) == (1.0, 0.0)


def test_a_nodule_around_which_nothing_is_predicted() -> None:
    # What is predicted more than 5 mm away is none of it.
    (found,) = nodules_of(judge(scan([nodule()], [(2, 4, 8)]), ((2, 4, 14), 1.0)))
    figures = found.figures["m"]
    assert (figures.overlap, figures.surface_dice) == (Overlap(0, 0, 1), 0.0)
    assert math.isnan(figures.hausdorff_mm) and math.isnan(figures.hit_probability)


@pytest.mark.parametrize("cuts", [(), (0,), (2,)])
def test_a_nodule_without_voxel_can_be_found_and_no_more(cuts: tuple[int, ...]) -> None:
    # It cuts no slice; or slices in which nothing near it is half inside of it.
    judged = scan([nodule()], [(2, 9, 19)], {"1": cuts})
    assert nodule_box(judged, nodule()) is None
    (found,) = nodules_of(judge(judged, ((2, 4, 8), 0.75)))
    figures = found.figures["m"]
    assert (figures.overlap, figures.hit_probability) == (Overlap(0, 0, 0), 0.75)
    assert math.isnan(figures.surface_dice) and math.isnan(figures.hausdorff_mm)


@pytest.mark.parametrize(
    ("zyx", "diameter_mm", "truth", "cuts", "expected"),
    [
        # 5 mm are 2 slices, 2.5 rows and 5 columns, rounded away from the truth.
        (
            *((2.5, 4, 8), 5.0, np.s_[2:4, 4:6, 7:10], (2, 3)),
            (slice(0, 6), slice(1, 9), slice(2, 15)),
        ),
        # One voxel in a corner: the volume ends there.
        ((5, 9, 19), 4.0, (5, 9, 19), (5,), (slice(3, 6), slice(6, 10), slice(14, 20))),
        ((0, 0, 0), 4.0, (0, 0, 0), (0,), (slice(0, 3), slice(0, 4), slice(0, 6))),
        # Its centre lies outside of the volume, a part of it inside.
        ((-1, -1, -2), 8.0, np.s_[0, 0, :2], (0,), (slice(0, 3), slice(0, 4), slice(0, 7))),
        # Slices that it cuts without filling a voxel count.
        ((2, 4, 8), 4.0, (2, 4, 8), (1, 2, 3), (slice(0, 6), slice(1, 8), slice(3, 14))),
    ],
)
def test_the_box_of_a_nodule(
    zyx: Voxel,
    diameter_mm: float,
    truth: Voxels,
    cuts: tuple[int, ...],
    expected: tuple[slice, slice, slice],
) -> None:
    one = nodule("1", zyx, diameter_mm)
    assert nodule_box(scan([one], [truth], {"1": cuts}), one) == expected


def test_a_neighbour_does_not_stretch_the_box() -> None:
    one, other = nodule("1", (2, 4, 4)), nodule("2", (2, 4, 18))
    truth, cuts = [(2, 4, 4), (2, 4, 18)], {"1": (2,), "2": (2,)}
    alone = nodule_box(scan([one], truth[:1], cuts), one)
    assert nodule_box(scan([one, other], truth, cuts), one) == alone


def test_a_nodule_far_outside_of_the_volume_has_no_box() -> None:
    one = nodule("1", (2, -8, 8))
    assert nodule_box(scan([one], [(2, 0, 8)], {"1": (2,)}), one) is None
