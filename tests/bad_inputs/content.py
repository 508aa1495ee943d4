"""Voxels that are all there and can be read, but are no whole chest."""

import numpy as np

from tests.bad_inputs.case import ACCEPTED, QUARANTINED, BadInput, Case, good_hu, register
from tests.lungct import chest

ALL: list[BadInput] = []


def _slices(case: Case, box: slice) -> None:
    """Keeps some slices; the nodule lies in none of them, so its row goes."""
    geometry = chest.GEOMETRY.crop((box, slice(0, 60), slice(0, 80)))
    case.write(np.ascontiguousarray(chest.hu()[box]), geometry)
    case.remove_row()


@register(ALL, ACCEPTED, nodules=0)
def one_slice(case: Case) -> None:
    _slices(case, slice(22, 23))


@register(ALL, ACCEPTED, nodules=0)
def two_slices(case: Case) -> None:
    _slices(case, slice(22, 24))


@register(ALL, ACCEPTED, nodules=0)
def lung_bases_only(case: Case) -> None:
    _slices(case, slice(0, 12))


@register(ALL, ACCEPTED)
def one_lung(case: Case) -> None:
    hu = good_hu()
    hu[:, :, :40][chest.lungs()[:, :, :40]] = 40
    case.write(hu)


@register(ALL, QUARANTINED, "no air: expected voxels below -400 HU")
def constant_image(case: Case) -> None:
    case.write(np.full(chest.SHAPE, 40, np.int16))


def _lose(case: Case, *boxes: slice, value: int = 0) -> None:
    """Slices that were never filled."""
    hu = good_hu()
    for box in boxes:
        hu[box] = value
    case.write(hu)


@register(ALL, QUARANTINED, "blank slices: .* got 22 of 44, the first is slice 22 of 0 HU")
def half_of_the_voxels_zero(case: Case) -> None:
    _lose(case, slice(22, 44))


@register(ALL, QUARANTINED, "blank slices: .* got 2 of 44, the first is slice 42 of 0 HU")
def last_slices_zero(case: Case) -> None:
    _lose(case, slice(42, 44))


@register(ALL, QUARANTINED, "blank slices: .* got 1 of 44, the first is slice 0 of 0 HU")
def first_slice_zero(case: Case) -> None:
    _lose(case, slice(0, 1))


@register(ALL, QUARANTINED, "blank slices: .* got 5 of 44, the first is slice 10 of 0 HU")
def zeros_in_the_middle(case: Case) -> None:
    _lose(case, slice(10, 15))


@register(ALL, QUARANTINED, "blank slices: .* got 1 of 44, the first is slice 12 of -1024 HU")
def padding_in_the_middle(case: Case) -> None:
    _lose(case, slice(12, 13), value=-3024)


@register(ALL, ACCEPTED)
def padding_at_the_ends(case: Case) -> None:
    _lose(case, slice(0, 2), slice(43, 44), value=-2000)


@register(ALL, QUARANTINED, "blank slices: .* got 3 of 80, the first is slice 77 of 0 HU")
def last_slices_zero_along_other_axes(case: Case) -> None:
    case.write(*chest.along_other_axes(good_hu(), chest.GEOMETRY, (2, 0, 1), (0,)))
    data = case.raw.read_bytes()
    # Slices of 44 x 60 voxels of 2 bytes.
    case.raw.write_bytes(data[: 77 * 5280] + bytes(3 * 5280))


@register(ALL, QUARANTINED, "no tissue")
def all_air(case: Case) -> None:
    case.write(np.full(chest.SHAPE, -1000, np.int16))


@register(ALL, QUARANTINED, "no tissue")
def padding_only(case: Case) -> None:
    case.write(np.full(chest.SHAPE, -3024, np.int16))


@register(ALL, QUARANTINED, "no lung: expected 15 to 15000 ml")
def no_lungs(case: Case) -> None:
    hu = chest.hu()
    hu[chest.lungs()] = 40
    case.write(hu)
