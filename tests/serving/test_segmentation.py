import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lungct.geometry import Geometry
from lungct.grid import Grid
from schema.model_facts import ModelFacts
from schema.thresholds import Thresholds
from serving.segmentation import FoundNodule, find_nodules, segment_volume
from serving.served import ServedModel

FACTS = ModelFacts(Grid((3.0, 2.0, 1.0)), (-1000, 400), probability_threshold=0.5, stride=8)
FLIPPED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
SHAPE = (5, 6, 7)
# Spacing (x, y, z); voxel (z, y, x) lies at (10 + x, 20 + 2 y, 30 + 3 z) mm and has 6 mm³.
GEOMETRY = Geometry(SHAPE, (10.0, 20.0, 30.0), (1.0, 2.0, 3.0))
EVERYWHERE = np.ones(SHAPE, bool)
Place = tuple[int | slice, ...]


def volume(*values: tuple[Place, float]) -> npt.NDArray[np.float32]:
    probability = np.full(SHAPE, 0.1, np.float32)
    for place, value in values:
        probability[place] = value
    return probability


def found(
    *values: tuple[Place, float], region: npt.NDArray[np.bool_] = EVERYWHERE
) -> tuple[npt.NDArray[np.int32], tuple[FoundNodule, ...]]:
    return find_nodules(volume(*values), region, GEOMETRY, Thresholds(0.5))


def test_a_nodule_is_measured_in_mm() -> None:
    # Two slices: pixels (2, 3) and (2, 4), above them (2, 4).
    labels, (nodule,) = found(((1, 2, slice(3, 5)), 0.6), ((2, 2, 4), 0.9))
    assert nodule == FoundNodule(
        number=1,
        centre_mm=(pytest.approx(10 + 11 / 3), 24.0, 34.0),
        diameter_mm=pytest.approx((6 * 18 / math.pi) ** (1 / 3)),
        # Of the lower slice: 2 mm along x, and (1, 2) mm between outer edges along y.
        longest_axial_mm=pytest.approx(math.sqrt(5)),
        volume_mm3=18.0,
        probability=pytest.approx(0.9),
        slices=(1, 2),
        voxels=3,
    )
    assert labels.dtype == np.int32 and labels.shape == SHAPE
    assert np.argwhere(labels == 1).tolist() == [[1, 2, 3], [1, 2, 4], [2, 2, 4]]
    assert np.count_nonzero(labels) == 3


def test_world_coordinates_follow_the_direction() -> None:
    grid = dataclasses.replace(GEOMETRY, direction=FLIPPED)
    _, (nodule,) = find_nodules(volume(((0, 0, 4), 0.5)), EVERYWHERE, grid, Thresholds(0.5))
    assert nodule.centre_mm == (6.0, 20.0, 30.0)


def test_the_threshold_itself_is_predicted() -> None:
    assert len(found(((0, 0, 0), 0.5))[1]) == 1
    assert not found(((0, 0, 0), np.nextafter(np.float32(0.5), np.float32(0))))[1]


def test_corners_connect_and_gaps_do_not() -> None:
    assert len(found(((0, 0, 0), 0.6), ((1, 1, 1), 0.6))[1]) == 1
    assert len(found(((0, 0, 0), 0.6), ((2, 0, 0), 0.6))[1]) == 2


def test_nodules_are_numbered_by_probability_then_by_first_voxel() -> None:
    labels, nodules = found(
        ((0, 0, 0), 0.6), ((0, 0, 3), 0.8), ((0, 4, 0), 0.9), ((4, 0, 0), 0.8), ((4, 5, 6), 0.8)
    )
    assert [nodule.number for nodule in nodules] == [1, 2, 3, 4, 5]
    places = [tuple(np.argwhere(labels == number)[0]) for number in range(1, 6)]
    assert places == [(0, 4, 0), (0, 0, 3), (4, 0, 0), (4, 5, 6), (0, 0, 0)]
    for nodule, (z, y, x) in zip(nodules, places, strict=True):
        assert nodule.centre_mm == (10 + x, 20 + 2 * y, 30 + 3 * z)
        assert nodule.slices == (z, z)


def test_the_most_probable_voxel_counts() -> None:
    _, nodules = found(((0, 0, 0), 0.8), ((3, 2, slice(1, 6)), 0.5), ((3, 2, 3), 0.9))
    assert [nodule.voxels for nodule in nodules] == [5, 1]


@pytest.mark.parametrize(("inside", "kept"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_part_is_kept_whole_where_half_of_it_is_in_the_region(inside: int, kept: bool) -> None:
    region = np.zeros(SHAPE, bool)
    region[2, 3, 1 : 1 + inside] = True
    labels, nodules = found(((2, 3, slice(1, 5)), 0.7), region=region)
    assert len(nodules) == kept
    assert np.count_nonzero(labels) == (4 if kept else 0)


def test_the_region_of_another_part_does_not_count() -> None:
    # Two parts whose boxes overlap: only the voxel in the middle of the ring is in the region.
    ring = ((1, 0, slice(0, 5)), 0.7), ((1, 4, slice(0, 5)), 0.7), ((1, slice(0, 5), 0), 0.7)
    region = np.zeros(SHAPE, bool)
    region[1, 2, 2:6] = True
    labels, (nodule,) = found(*ring, ((1, 2, 2), 0.6), region=region)
    assert nodule.voxels == 1 and np.argwhere(labels).tolist() == [[1, 2, 2]]


def test_dropped_parts_leave_no_gap_in_the_numbers() -> None:
    region = np.zeros(SHAPE, bool)
    region[2:] = True
    labels, nodules = found(((0, 0, 0), 0.9), ((2, 0, 0), 0.6), ((4, 0, 0), 0.7), region=region)
    assert [nodule.number for nodule in nodules] == [1, 2]
    assert (labels[0, 0, 0], labels[2, 0, 0], labels[4, 0, 0]) == (0, 2, 1)


def test_nothing_predicted_is_no_nodule() -> None:
    labels, nodules = found()
    assert not labels.any() and labels.shape == SHAPE and nodules == ()


def test_everything_predicted_is_one_nodule() -> None:
    ones = np.ones(SHAPE, np.float32)
    labels, (nodule,) = find_nodules(ones, EVERYWHERE, GEOMETRY, Thresholds(1))
    assert labels.all()
    assert nodule.slices == (0, 4) and nodule.voxels == 5 * 6 * 7


def test_numbers_agree_with_a_loop_over_all_voxels() -> None:
    probability = np.random.default_rng(5).random(SHAPE).astype(np.float32)
    labels, nodules = find_nodules(probability, EVERYWHERE, GEOMETRY, Thresholds(0.9))
    assert len(nodules) > 4
    np.testing.assert_array_equal(labels > 0, probability >= 0.9)
    for nodule in nodules:
        voxels = np.argwhere(labels == nodule.number)
        assert nodule.voxels == len(voxels)
        assert nodule.probability == probability[labels == nodule.number].max()
        assert nodule.slices == (voxels[:, 0].min(), voxels[:, 0].max())
        centres = [(10 + x, 20 + 2 * y, 30 + 3 * z) for z, y, x in voxels]
        np.testing.assert_allclose(nodule.centre_mm, np.mean(centres, axis=0))
        others = np.argwhere((labels > 0) & (labels != nodule.number))
        for voxel in voxels:
            assert np.abs(others - voxel).max(axis=1).min() > 1


def test_a_volume_is_segmented_as_its_probabilities_are() -> None:
    probability = volume(((0, 0, 0), 0.6), ((3, 2, 1), 0.7))
    region = EVERYWHERE.copy()
    region[0] = False
    hu = np.zeros(SHAPE, np.int16)
    given: list[Any] = []

    def segment(volume: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        given.append(volume)
        return probability

    model = ServedModel(FACTS, segment)
    segmentation = segment_volume(model, hu, region, GEOMETRY, Thresholds(0.5))
    assert given == [hu] or given[0] is hu
    np.testing.assert_array_equal(segmentation.probability, probability)
    np.testing.assert_array_equal(segmentation.mask, segmentation.labels == 1)
    assert np.argwhere(segmentation.mask).tolist() == [[3, 2, 1]]
    assert segmentation.nodules == find_nodules(probability, region, GEOMETRY, Thresholds(0.5))[1]


@pytest.mark.parametrize("wrong", ["hu", "region", "probability"])
def test_other_shapes_are_refused(wrong: str) -> None:
    shapes = {name: (2, 6, 7) if name == wrong else SHAPE for name in ("hu", "region")}
    gives = np.zeros((2, 6, 7) if wrong == "probability" else SHAPE, np.float32)
    model = ServedModel(FACTS, lambda hu: gives)
    expected = {"hu": "Hounsfield units", "region": "a region", "probability": "probabilities"}
    with pytest.raises(
        ValueError, match=rf"{expected[wrong]} of the grid's shape \(5, 6, 7\), got \(2, 6, 7\)"
    ):
        region = np.ones(shapes["region"], bool)
        segment_volume(model, np.zeros(shapes["hu"], np.int16), region, GEOMETRY, Thresholds(0.5))


def test_probabilities_and_region_of_other_shapes_are_refused() -> None:
    small = np.zeros((1, 1, 1), np.float32)
    with pytest.raises(ValueError, match=r"expected probabilities .* got \(1, 1, 1\)"):
        find_nodules(small, EVERYWHERE, GEOMETRY, Thresholds(0.5))
    with pytest.raises(ValueError, match=r"expected a region .* got \(1, 1, 1\)"):
        find_nodules(volume(), small > 0, GEOMETRY, Thresholds(0.5))


@pytest.mark.parametrize(("nodule", "numbers"), [(0.0, [1, 2]), (0.8, [1, 2]), (0.81, [1])])
def test_a_nodule_is_as_probable_as_is_asked_of_its_most_probable_voxel(
    nodule: float, numbers: list[int]
) -> None:
    values = (((1, 1, 1), 0.6), ((1, 1, 2), 0.9), ((3, 4, 5), 0.8), ((3, 4, 6), 0.5))
    asked = Thresholds(0.5, nodule)
    labels, nodules = find_nodules(volume(*values), EVERYWHERE, GEOMETRY, asked)
    assert [one.number for one in nodules] == numbers
    assert np.unique(labels).tolist() == [0, *numbers]
    assert nodules[0].voxels == 2, "its outline is that of the voxels' threshold"
