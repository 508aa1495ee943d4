"""Slices that are all there, in another order than the patient's or twice."""

import numpy as np

from tests.bad_inputs.case import ACCEPTED, QUARANTINED, BadInput, Case, lifelike_hu, register
from tests.lungct import chest

ALL: list[BadInput] = []

_ORDER = "slice order: expected slices to differ more the further apart they are, got slices "
_COUNT = chest.SHAPE[0]


def _reorder(case: Case, order: list[int]) -> None:
    case.write(np.ascontiguousarray(lifelike_hu()[order]), chest.geometry_of(len(order)))


@register(ALL, QUARANTINED, _ORDER)
def slices_in_the_order_of_their_names_as_text(case: Case) -> None:
    _reorder(case, sorted(range(_COUNT), key=lambda z: str(z + 1)))


@register(ALL, QUARANTINED, _ORDER + "21 and 22 .* as slices 0 and 43 around them")
def halves_swapped(case: Case) -> None:
    _reorder(case, [*range(22, 44), *range(22)])


@register(ALL, QUARANTINED, _ORDER)
def slices_reversed_in_blocks(case: Case) -> None:
    _reorder(case, [z for first in range(0, 44, 11) for z in range(first + 10, first - 1, -1)])


@register(ALL, QUARANTINED, _ORDER)
def slices_swapped_in_pairs(case: Case) -> None:
    _reorder(case, [z ^ 1 for z in range(_COUNT)])


@register(ALL, QUARANTINED, _ORDER)
def even_slices_before_odd_ones(case: Case) -> None:
    _reorder(case, [*range(0, 44, 2), *range(1, 44, 2)])


@register(
    ALL, QUARANTINED, "no image: .* along z as stored .* got 0.51, as of voxels in a wrong order"
)
def halves_interleaved(case: Case) -> None:
    _reorder(case, [z // 2 + z % 2 * 22 for z in range(_COUNT)])


@register(ALL, QUARANTINED, _ORDER)
def a_block_in_another_place(case: Case) -> None:
    _reorder(case, [*range(10), *range(20, 30), *range(10, 20), *range(30, 44)])


@register(ALL, QUARANTINED, _ORDER)
def a_slice_in_another_place(case: Case) -> None:
    _reorder(case, [*range(10), *range(11, 35), 10, *range(35, 44)])


@register(ALL, QUARANTINED, "repeated slices: .* got 44 of 88 .* is slice 44, as slice 0 in ")
def a_series_twice(case: Case) -> None:
    _reorder(case, [*range(_COUNT), *range(_COUNT)])


@register(ALL, QUARANTINED, "repeated slices: .* got 1 of 45 .* is slice 21, as slice 20 in ")
def a_slice_twice(case: Case) -> None:
    _reorder(case, [*range(21), *range(20, _COUNT)])


@register(ALL, ACCEPTED)
def slices_lost_in_the_middle(case: Case) -> None:
    # Not told from thick slices: no other slice fits between those at the gap.
    _reorder(case, [*range(10), *range(14, _COUNT)])


@register(ALL, ACCEPTED, like_good=True)
def a_slice_with_much_metal(case: Case) -> None:
    # It is like no other slice, so it belongs in no other place. The metal lies before the lungs.
    hu = lifelike_hu()
    hu[20, 5:12, 15:65] += 2000
    case.write(hu)


@register(ALL, ACCEPTED, like_good=True)
def slices_from_the_head_down(case: Case) -> None:
    case.write(*chest.along_other_axes(lifelike_hu(), chest.GEOMETRY, (0, 1, 2), (0,)))


@register(ALL, ACCEPTED, like_good=True)
def slices_from_left_to_right(case: Case) -> None:
    # The patient is alike on both sides, and there is air at both ends.
    case.write(*chest.along_other_axes(lifelike_hu(), chest.GEOMETRY, (2, 0, 1), ()))
