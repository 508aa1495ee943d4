from typing import Any

import numpy as np

from models.crops import CropShape, Slab, cut_box, cut_coverage, draw_crop, places_in
from models.ignored import IGNORED
from schema.features import COVERAGE_THRESHOLD


def random(number: int) -> np.random.Generator:
    return np.random.default_rng([7, number])


def slab(nodule: tuple[int, int] | None = None, region: tuple[int, int] | None = None) -> Slab:
    """3 slices of 16 x 20 pixels with numbered voxels; the middle one holds a pixel of each."""
    hu = np.arange(3 * 16 * 20, dtype=np.int16).reshape(3, 16, 20)
    coverage, mask = np.zeros((2, 3, 16, 20), np.uint8)
    if nodule:
        coverage[1][nodule] = COVERAGE_THRESHOLD
    if region:
        mask[1][region] = 1
    return Slab(list(hu), list(coverage), list(mask))


def cut(made: Slab, z: int, near_nodule: bool, shape: CropShape, random: Any) -> tuple[Any, Any]:
    return draw_crop(made, z, places_in(made, z, near_nodule), shape, random)


STILL = CropShape(size=8, context=1, jitter=0.0)
FIRST = 16 * 20  # number of the first voxel of the middle slice


def test_crop_without_jitter_has_the_nodule_in_its_centre() -> None:
    hu, coverage = cut(slab((7, 9)), 1, True, STILL, random(1))
    assert hu.shape == (8, 8, 3) and hu.dtype == np.int16
    assert coverage.shape == (8, 8) and coverage.dtype == np.int16
    assert coverage[4, 4] == COVERAGE_THRESHOLD and np.count_nonzero(coverage) == 1
    assert hu[4, 4].tolist() == [z * FIRST + 7 * 20 + 9 for z in range(3)]


def test_crop_stays_within_the_slice() -> None:
    hu, coverage = cut(slab((0, 19)), 1, True, STILL, random(1))
    assert coverage[0, 7] > 0  # the corner of the slice is the corner of the crop
    assert hu[0, 0, 1] == FIRST + 12


def test_jitter_moves_the_nodule_but_keeps_it_in_the_crop() -> None:
    places = set()
    for number in range(40):
        shape = CropShape(size=8, context=0, jitter=0.375)
        _, coverage = cut(slab((8, 10)), 1, True, shape, random(number))
        places.add(tuple(np.argwhere(coverage)[0]))
    assert all(1 <= row <= 7 and 1 <= column <= 7 for row, column in places)  # 4 +- 3
    assert len(places) > 15


def test_without_nodule_the_crop_is_around_a_pixel_of_the_region() -> None:
    for made, near_nodule in ((slab(None, (9, 11)), True), (slab((3, 3), (9, 11)), False)):
        hu, _ = cut(made, 1, near_nodule, STILL, random(1))
        assert hu[4, 4, 1] == FIRST + 9 * 20 + 11


def test_coverage_below_the_threshold_is_no_nodule() -> None:
    made = slab(None, (9, 11))
    made.coverage[1][4, 5] = COVERAGE_THRESHOLD - 1
    hu, _ = cut(made, 1, True, STILL, random(1))
    assert hu[4, 4, 1] == FIRST + 9 * 20 + 11


def test_without_nodule_and_region_the_crop_is_anywhere() -> None:
    corners = {int(cut(slab(), 1, True, STILL, random(n))[0][0, 0, 1]) for n in range(9)}
    assert len(corners) > 3


def test_every_pixel_of_the_nodule_may_be_the_centre() -> None:
    made = slab((7, 9))
    made.coverage[1][8, 10] = 255
    corners = {int(cut(made, 1, True, STILL, random(n))[0][4, 4, 1]) for n in range(20)}
    assert corners == {FIRST + 7 * 20 + 9, FIRST + 8 * 20 + 10}


def test_the_end_slice_is_repeated_beyond_the_scan() -> None:
    made = slab((7, 9))
    made.coverage[0][7, 9] = 255
    hu, _ = cut(made, 0, True, CropShape(8, 2, 0.0), random(1))
    assert (hu[4, 4] // FIRST).tolist() == [0, 0, 0, 1, 2]


def test_a_smaller_slice_is_continued_by_its_edge_of_which_nothing_is_known() -> None:
    hu, coverage = cut(slab((7, 9)), 1, True, CropShape(18, 0, 0.0), random(1))
    assert hu.shape == (18, 18, 1)
    rows = (hu[:, 0, 0] - FIRST) // 20
    # The nodule in row 7 would be in the crop's row 9; the 16 rows lie wholly in the crop.
    assert rows.tolist() == [0, 0, *range(16)]
    assert np.argwhere(coverage > 0).tolist() == [[9, 9]]
    edge = slab((0, 5))
    _, coverage = cut(edge, 1, True, CropShape(18, 0, 0.0), random(1))
    assert np.argwhere(coverage > 0)[:, 0].tolist() == [2]  # not repeated like the HU
    assert (coverage == IGNORED).all(axis=1).tolist() == [True, True, *[False] * 16]
    assert np.count_nonzero(coverage == IGNORED) == 2 * 18


def test_coverage_is_unknown_beyond_each_side_of_a_slice() -> None:
    part = np.array([[1, 2, 3], [4, 5, 255]], np.uint8)
    np.testing.assert_array_equal(
        cut_coverage(part, (-1, 1), 4),
        [[-1, -1, -1, -1], [2, 3, -1, -1], [5, 255, -1, -1], [-1, -1, -1, -1]],
    )
    np.testing.assert_array_equal(cut_coverage(part, (0, 1), 2), [[2, 3], [5, 255]])


def test_boxes_reach_beyond_the_volume_on_all_sides() -> None:
    volume = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    box = cut_box(list(volume), (-1, -1, 2), (4, 5, 3))
    np.testing.assert_array_equal(box, np.pad(volume, ((1, 1), (1, 1), (0, 1)), "edge")[:, :, 2:])
    inner = cut_box(list(volume), (1, 0, 1), (1, 2, 3))
    np.testing.assert_array_equal(inner, volume[1:, :2, 1:])


def test_same_seed_same_crop() -> None:
    shape = CropShape(8, 1, 0.3)
    one, again, other = (
        cut(slab((8, 10)), 1, True, shape, random(number))[0] for number in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
