"""Whether the lungs that were found look like lungs, and the chest around them like a chest.

No single figure tells: children are small, a scan of the lung bases is low, one of the chest wall
narrow. So extents are judged only of lungs that end within the volume, and mostly by their ratios.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lungct.limits import CHEST_LIMITS, LUNG, check_facts
from lungct.lung.airspace import Box, CoarseScan, padded_box
from lungct.lung.ball import dilate
from lungct.scan import AIR_HU, HU_MIN

BoolArray = npt.NDArray[np.bool_]

# The chest wall and the mediastinum up to this far from the lungs, and what of it is no lung.
_WALL_VOXELS = 2
_TISSUE_HU = -300

# Fewer voxels of a kind are not judged, nor is air in less than this share of the sides.
_MIN_VOXELS = 100
_MIN_SIDE_SHARE = 0.05


def check_chest(scan: CoarseScan, lungs: BoolArray) -> None:
    """Refuses lungs that no patient has.

    Args:
        scan: The coarse scan.
        lungs: (z, y, x) bool mask of the lungs found in it, not empty.

    Raises:
        ScanError: By the rule `implausible`, with the fact and its limits.
    """
    check_facts(chest_facts(scan, lungs), LUNG, CHEST_LIMITS)


def chest_facts(scan: CoarseScan, lungs: BoolArray) -> dict[str, float]:
    """What can be said of the lungs and of what surrounds them.

    Args:
        scan: The coarse scan.
        lungs: (z, y, x) bool mask of the lungs found in it, not empty.

    Returns:
        Value by name of a fact of `lungct.limits`: median HU of aerated lung, of the tissue around
        the lungs and of the air at the sides of the volume where there are enough voxels; extents
        in mm and their ratios where the lungs end within the volume.
    """
    box = padded_box(lungs, margin=_WALL_VOXELS)
    lung, hu = lungs[box], scan.hu[box]
    wall = dilate(lung, (_WALL_VOXELS,) * 3) & ~lung & (hu > _TISSUE_HU)
    sides = np.concatenate([side.ravel() for side in _sides(scan.hu)])
    room = sides[(sides < AIR_HU) & (sides > HU_MIN)]
    facts = {
        **_median("lung_hu_p50", hu[lung & (hu < AIR_HU)]),
        **_median("wall_hu_p50", hu[wall]),
        **_extents(padded_box(lungs), scan),
    }
    if len(room) > _MIN_SIDE_SHARE * len(sides):
        facts |= _median("room_air_hu_p50", room)
    return facts


def _median(fact: str, hu: npt.NDArray[np.int16]) -> dict[str, float]:
    """The median under its name, nothing where there are few voxels."""
    return {fact: float(np.median(hu))} if hu.size >= _MIN_VOXELS else {}


def _sides(hu: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], ...]:
    """The four sides of a volume that are sides of the patient."""
    return hu[:, 0], hu[:, -1], hu[:, :, 0], hu[:, :, -1]


def _extents(box: Box, scan: CoarseScan) -> dict[str, float]:
    """Extents of lungs that end within the volume along all axes, and their ratios."""
    if any(
        axis.start == 0 or axis.stop == size for axis, size in zip(box, scan.hu.shape, strict=True)
    ):
        return {}
    height, depth, width = (
        (axis.stop - axis.start) * mm for axis, mm in zip(box, scan.spacing_mm, strict=True)
    )
    return {
        "lung_height_mm": height,
        "lung_depth_mm": depth,
        "lung_width_mm": width,
        "lung_height_per_depth": height / depth,
        "lung_width_per_depth": width / depth,
    }
