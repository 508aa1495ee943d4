"""Air that is no lung, and chests of a size that no patient has."""

import numpy as np

from lungct.geometry import Geometry
from tests.bad_inputs.case import ACCEPTED, QUARANTINED, BadInput, Case, lifelike_hu, register
from tests.lungct import chest

ALL: list[BadInput] = []


def _without_lungs() -> np.ndarray:
    """A body without air; its noise is that of the good scan."""
    hu = lifelike_hu()
    airy = chest.lungs() | chest.trachea()
    hu[airy] = 40 + np.random.default_rng(2).normal(0, 12, np.count_nonzero(airy)).astype(np.int16)
    return hu


@register(ALL, QUARANTINED, "no lung: expected 15 to 15000 ml of air in the body, got 0.0 ml")
def room_air_within_a_ring_of_padding(case: Case) -> None:
    hu = _without_lungs()
    hu[:, chest.around_the_circle()] = 0
    hu[:, :2] = hu[:, -2:] = 0
    hu[:, :, :2] = hu[:, :, -2:] = 0
    case.write(hu)


@register(ALL, QUARANTINED, "no lung: .* got 0.0 ml")
def gas_of_the_bowel(case: Case) -> None:
    # A loop 12 mm wide within 4 mm of partial volume: most of its voxels are no darker than lung.
    hu = _without_lungs()
    hu[8:36, 20:40, 30:35] = -700
    hu[9:35, 21:39, 31:34] -= 280
    case.write(hu)


@register(ALL, QUARANTINED, "no lung: .* got 0.0 ml")
def a_hose(case: Case) -> None:
    # 28 x 32 mm in its wall, along the body, as dark as lung.
    hu = _without_lungs()
    hu[:, 24:32, 36:43] = -850
    case.write(hu)


def _respace(case: Case, x: float = 1, y: float = 1, z: float = 1) -> None:
    """Another spacing; what was annotated lies elsewhere then, so its row goes."""
    spacing = tuple(mm * by for mm, by in zip(chest.SPACING_MM, (x, y, z), strict=True))
    case.write(lifelike_hu(), Geometry(chest.SHAPE, chest.ORIGIN_MM, spacing))
    case.remove_row()


@register(ALL, QUARANTINED, "implausible: expected lung_width_per_depth from 0.3 to 2.4, got 2.9")
def a_chest_13_cm_deep(case: Case) -> None:
    _respace(case, y=0.62)


@register(ALL, QUARANTINED, "implausible: expected lung_height_per_depth from 0.35 to 2.1, got 0.2")
def lungs_3_cm_high(case: Case) -> None:
    _respace(case, z=0.2)


@register(ALL, QUARANTINED, "implausible: expected lung_height_per_depth .* got 2.5")
def a_slim_chest_of_full_height(case: Case) -> None:
    _respace(case, x=0.5, y=0.5)


@register(ALL, QUARANTINED, "implausible: expected lung_depth_mm from 30 to 330 mm, got 3")
def a_giant(case: Case) -> None:
    _respace(case, x=2.6, y=2.6)


@register(ALL, ACCEPTED, nodules=0)
def a_child(case: Case) -> None:
    _respace(case, x=0.5, y=0.5, z=0.5)
