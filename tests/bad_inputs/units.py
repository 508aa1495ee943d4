"""Voxels of the right type that are no Hounsfield units, and padding that looks like some."""

from collections.abc import Callable

import numpy as np

from tests.bad_inputs.case import (
    ACCEPTED,
    QUARANTINED,
    REPAIRED,
    BadInput,
    Case,
    lifelike_hu,
    register,
)
from tests.lungct import chest

ALL: list[BadInput] = []


def _change(case: Case, change: Callable[[np.ndarray], np.ndarray]) -> None:
    case.write(change(lifelike_hu().astype(np.int32)).astype(np.int16))


@register(ALL, QUARANTINED, "no HU: expected at most 30% of values above 300 HU, got [3-6].%")
def sign_inverted(case: Case) -> None:
    _change(case, lambda hu: -hu)


@register(ALL, QUARANTINED, "no HU: .* above 300 HU")
def values_300_too_high(case: Case) -> None:
    _change(case, lambda hu: hu + 300)


@register(ALL, QUARANTINED, "no HU: expected at most 20% of values below -1100 HU besides padding")
def values_300_too_low(case: Case) -> None:
    _change(case, lambda hu: hu - 300)


@register(ALL, QUARANTINED, "no HU: .* above 300 HU")
def values_500_too_high(case: Case) -> None:
    _change(case, lambda hu: hu + 500)


@register(ALL, QUARANTINED, "no HU: ")
def unsigned_values_kept_without_their_intercept(case: Case) -> None:
    _change(case, lambda hu: np.maximum(hu + 1024, 0))


@register(ALL, QUARANTINED, "no HU: .* below -1100 HU")
def values_twice_as_large(case: Case) -> None:
    _change(case, lambda hu: hu * 2)


@register(ALL, QUARANTINED, "implausible: expected lung_hu_p50 from -975 to -450 HU, got -4")
def values_half_as_large(case: Case) -> None:
    _change(case, lambda hu: hu // 2)


@register(ALL, QUARANTINED, "implausible: expected room_air_hu_p50 from -1024 to -840 HU, got -800")
def values_a_fifth_too_small(case: Case) -> None:
    _change(case, lambda hu: hu * 4 // 5)


@register(ALL, QUARANTINED, "no HU: ")
def unsigned_with_an_offset_of_2000(case: Case) -> None:
    case.raw.write_bytes((lifelike_hu() + 2000).astype("<u2").tobytes())
    case.change(ElementType="MET_USHORT")


def _pad(case: Case, value: int) -> None:
    """Pads what lies around the largest ellipse in a slice; the body lies within it."""
    hu = lifelike_hu()
    hu[:, chest.around_the_circle()] = value
    case.write(hu)


@register(ALL, REPAIRED, "^padding of 0 HU set to -1024$", like_good=True)
def padding_of_zero(case: Case) -> None:
    _pad(case, 0)


@register(ALL, REPAIRED, "^padding of 1 HU set to -1024$", like_good=True)
def padding_of_one(case: Case) -> None:
    _pad(case, 1)


@register(ALL, REPAIRED, "^padding of 1200 HU set to -1024$", like_good=True)
def padding_as_bright_as_bone(case: Case) -> None:
    _pad(case, 1200)


@register(ALL, REPAIRED, "^padding of 30000 HU set to -1024$", like_good=True)
def padding_brighter_than_metal(case: Case) -> None:
    _pad(case, 30_000)


@register(ALL, ACCEPTED, like_good=True)
def padding_darker_than_air(case: Case) -> None:
    _pad(case, -3024)


@register(ALL, REPAIRED, "uint16 .* 1024 subtracted; padding of 62512 HU set", like_good=True)
def negative_padding_of_unsigned_values(case: Case) -> None:
    values = np.maximum(lifelike_hu() + 1024, 0).astype("<u2")
    values[:, chest.around_the_circle()] = 63536
    case.raw.write_bytes(values.tobytes())
    case.change(ElementType="MET_USHORT")
