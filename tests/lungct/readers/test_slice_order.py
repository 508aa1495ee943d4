import numpy as np
import pytest

from lungct.readers.continuity import check_continuity
from lungct.readers.slice_order import (
    check_repeats,
    check_slice_order,
    largest_step,
    path_excess,
    slice_distances,
    without_symmetry,
)
from lungct.scan import ScanError
from tests.bad_inputs.case import lifelike_hu
from tests.lungct import chest


def on_a_line(*places):
    """Distances of slices at these places."""
    where = np.array(places, np.float32)
    return np.abs(where[:, None] - where)


def test_distance_is_the_rms_of_cell_means():
    # Means of two cells of two columns each: 0 and 100, then 60 and 180: sqrt((3600 + 6400) / 2).
    # A width of 64 makes 32 cells of two columns; all but the first two are equal.
    hu = np.zeros((2, 1, 64), np.int16)
    hu[0, 0, :4] = -10, 10, 90, 110
    hu[1, 0, :4] = 60, 60, 170, 190
    expected = np.sqrt((60**2 + 80**2) / 32)
    np.testing.assert_allclose(slice_distances(hu), [[0, expected], [expected, 0]], atol=0.05)


def test_slices_in_order_have_no_large_step():
    # From 0 over 1 to 2: 1 / 2.
    assert largest_step(on_a_line(0, 1, 2)).ratio == pytest.approx(0.5)
    assert path_excess(on_a_line(0, 1, 2, 3)) == pytest.approx(1.0)


def test_the_largest_step_by_hand():
    # Halves swapped: from 5 to 0 is 5, and 3 and 2 at the ends are 1 apart.
    step = largest_step(on_a_line(3, 4, 5, 0, 1, 2))
    assert (step.ratio, step.slices, step.around) == (pytest.approx(5.0), (2, 3), (0, 5))


def test_excess_by_hand():
    # Neighbours of 10, 1 and 11 are 10 + 9, 9 + 10 and 10 + 9 away, 57 in all; the nearest two of
    # each are 1 + 8, 1 + 1 and 1 + 9 away, 21 in all.
    assert path_excess(on_a_line(0, 10, 1, 11, 2)) == pytest.approx(57 / 21)


def test_symmetry_by_hand():
    # Slices at 0 and 0.2 are no neighbours and nearer than 0.3 of the median step of 1.
    apart = without_symmetry(on_a_line(0, 1, 2, 1, 0.2))
    assert np.isinf(apart[0, 4]) and np.isinf(apart[1, 3])
    assert apart[0, 1] == 1 and apart[0, 2] == 2


ORDERS = {
    "text": sorted(range(44), key=lambda z: str(z + 1)),
    "halves": [*range(22, 44), *range(22)],
    "blocks": [z for first in range(0, 44, 4) for z in range(first + 3, first - 1, -1)],
    "pairs": [z ^ 1 for z in range(44)],
    "even and odd": [*range(0, 44, 2), *range(1, 44, 2)],
    "interleaved": [z // 2 + z % 2 * 22 for z in range(44)],
    "at random": np.random.default_rng(3).permutation(44),
    "middle reversed": [*range(15), *range(29, 14, -1), *range(30, 44)],
}


@pytest.mark.parametrize("name", ORDERS)
def test_wrong_orders_are_refused(name):
    with pytest.raises(ScanError, match="^slice order: .* got slices .* times as much as slices"):
        check_slice_order(lifelike_hu()[ORDERS[name]])


@pytest.mark.parametrize("noise", [0, 150])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_slices_in_order_are_accepted_near_and_far(step, noise):
    # 5, 10 and 15 mm apart, from either end.
    hu = chest.hu() + np.random.default_rng(4).normal(0, noise, chest.SHAPE)
    hu = hu[::step].astype(np.int16)
    check_slice_order(hu)
    check_slice_order(hu[::-1])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_slices_in_order_are_accepted(count):
    check_slice_order(lifelike_hu()[20 : 20 + count])


def test_a_symmetric_shape_without_noise_is_accepted():
    z, y, x = np.indices((9, 40, 40))
    ball = ((z - 4) * 4) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 256
    check_slice_order(np.where(ball, np.int16(40), np.int16(-850)))


@pytest.mark.parametrize("count", [1, 3])
def test_slices_that_are_like_no_other_are_left_out(count):
    hu = lifelike_hu()
    hu[20 : 20 + count, 10:50, 20:60] = 2000
    check_slice_order(hu)
    # Four are a block of their own between slices that would be neighbours.
    hu[20:24, 10:50, 20:60] = 2000
    hu[24:] = lifelike_hu()[20:40]
    with pytest.raises(ScanError, match="slice order"):
        check_slice_order(hu)


def test_lost_slices_leave_no_trace():
    check_slice_order(np.delete(lifelike_hu(), range(12, 20), axis=0))


def test_long_volumes_are_judged_in_parts(monkeypatch):
    monkeypatch.setattr("lungct.readers.slice_order._MOST_SLICES", 16)
    check_slice_order(lifelike_hu())
    with pytest.raises(ScanError, match="slices 29 and 30 .* as slices 29 and 33"):
        check_slice_order(lifelike_hu()[[*range(30), 33, 32, 31, 30, *range(34, 44)]])


def test_repeats_are_counted_and_numbered_as_stored():
    hu = lifelike_hu()[[*range(6), 2, 3, *range(6, 9)]]
    with pytest.raises(ScanError, match="got 2 of 11 .* first is slice 11, as slice 7$"):
        check_repeats(hu, first=5)


def test_repeats_of_two_slices_or_without_noise_are_accepted():
    check_repeats(lifelike_hu()[[3, 3]])
    check_repeats(chest.hu())
    check_repeats(np.full((3, 4, 1), 40, np.int16))


def test_slices_of_other_planes_are_not_ordered_but_may_repeat():
    sagittal = np.ascontiguousarray(lifelike_hu().transpose(2, 0, 1))
    check_continuity(sagittal.transpose(1, 2, 0))
    with pytest.raises(ScanError, match="slice order"):
        check_continuity(sagittal)
    sagittal[11] = sagittal[10]
    with pytest.raises(ScanError, match="repeated slices"):
        check_continuity(sagittal.transpose(1, 2, 0))


def test_numbers_count_the_padding_before():
    hu = np.concatenate([np.full((3, 60, 80), -1024, np.int16), lifelike_hu()[ORDERS["halves"]]])
    with pytest.raises(ScanError, match="slices 24 and 25 .* as slices 3 and 46 around them"):
        check_continuity(hu)
