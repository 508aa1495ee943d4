"""Lungs on a coarse grid: components of air judged, airways cut off, each lung closed.

Arrays are (z, y, x) with axes along the patient's, so that the sides of the volume are sides of the
patient; spacings are in mm in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.limits import LUNG_VOLUME
from lungct.lung.ball import close, dilate, erode
from lungct.scan import AIR_HU, ScanError
from lungct.threads import in_order

BoolArray = npt.NDArray[np.bool_]
HuArray = npt.NDArray[np.int16]
IntArray = npt.NDArray[np.int64]
Box = tuple[slice, slice, slice]

# Gas is darker than this in most of its voxels; lung, emphysema included, is not.
GAS_HU = -960

# Inside airways partial volume makes gas brighter.
AIRWAY_GAS_HU = -930

# A crop may cut a lung; what reaches the sides of the volume further is outside the body.
_MAX_SIDE_SHARE = 0.05

# Partial volume makes thin loops of gas brighter, but not what lies within them. Lung within its
# border has brighter voxels than this, its vessels, however dark it is.
_INNER_GAS_HU, _VESSEL_HU, _MIN_VESSELS = -930, -880, 0.05

# A hose or a loop is no wider; the lung of a newborn is.
_MAX_TUBE_MM = 40.0

_MIN_SHARE_OF_LARGEST = 0.08

# Erosion by this radius parts the airways from the lungs, and the lungs from each other.
_PARTING_RADIUS_MM = 5.0
_MAX_AIRWAY_SHARE = 0.03

# Twice this is the widest opening of a notch, such as a nodule at the pleura, that is filled.
_CLOSING_RADIUS_MM = 14.0


@dataclass(frozen=True)
class CoarseScan:
    """A scan sampled to a few millimetres.

    Attributes:
        hu: (z, y, x) int16 Hounsfield units.
        spacing_mm: Spacing (z, y, x).
    """

    hu: HuArray
    spacing_mm: tuple[float, float, float]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000

    def crop(self, box: Box) -> CoarseScan:
        """The part of the scan in a box."""
        return CoarseScan(np.ascontiguousarray(self.hu[box]), self.spacing_mm)

    def radius_voxels(self, radius_mm: float) -> tuple[int, int, int]:
        """A radius in voxels (z, y, x), at least one."""
        z, y, x = (max(1, round(radius_mm / mm)) for mm in self.spacing_mm)
        return z, y, x


def find_lungs(scan: CoarseScan) -> BoolArray:
    """The lungs without their airways, closed so that vessels and pleural nodules lie inside.

    Args:
        scan: The coarse scan.

    Returns:
        (z, y, x) bool mask of both lungs, or of the one that is there.

    Raises:
        ScanError: By the rules `no air`, `no tissue` and `no lung`.
    """
    _check_values(scan.hu)
    air = aerated(scan)
    box = padded_box(air, margin=2)
    inner = scan.crop(box)
    lungs = _part_lungs(np.ascontiguousarray(air[box]), inner)
    closed = list(in_order(lambda lung: _close(lung, inner), lungs))
    mask = np.zeros(air.shape, dtype=np.bool_)
    mask[box] = np.logical_or.reduce(closed)
    return mask


def aerated(scan: CoarseScan) -> BoolArray:
    """Air inside the body that can be lung, airways that open into it included.

    Raises:
        ScanError: By the rule `no lung`.
    """
    labels = _components(scan.hu < AIR_HU)
    ml = np.bincount(labels.ravel()) * scan.voxel_ml
    candidates = ~_touches_sides(labels) & ~_is_gas(labels, scan.hu, GAS_HU)
    candidates[0] = False
    candidates &= ml >= _MIN_SHARE_OF_LARGEST * float((ml * candidates).max())
    _leave_out_gas(candidates, labels, scan)
    total_ml = float(ml[candidates].sum())
    if not LUNG_VOLUME.low <= total_ml <= LUNG_VOLUME.high:
        bounds = f"{LUNG_VOLUME.low:g} to {LUNG_VOLUME.high:g} ml"
        raise ScanError(f"no lung: expected {bounds} of air in the body, got {total_ml:.1f} ml")
    return np.asarray(candidates[labels])


def padded_box(mask: BoolArray, margin: int = 0) -> Box:
    """Smallest box around a mask that holds something, wider by a margin within the array."""
    plane = mask.any(axis=0)
    z, y, x = (
        _padded_range(held, margin)
        for held in (mask.any(axis=(1, 2)), plane.any(axis=1), plane.any(axis=0))
    )
    return z, y, x


def _padded_range(held: BoolArray, margin: int) -> slice:
    """From the first to the last index that holds something, wider by a margin."""
    where = np.flatnonzero(held)
    return slice(max(int(where[0]) - margin, 0), min(int(where[-1]) + 1 + margin, len(held)))


def _check_values(hu: HuArray) -> None:
    """Refuses volumes that are all tissue or all air, constant ones included."""
    share = float(np.mean(hu < AIR_HU))
    if share == 0:
        raise ScanError(f"no air: expected voxels below {AIR_HU} HU, got a minimum of {hu.min()}")
    if share == 1:
        raise ScanError(f"no tissue: expected voxels from {AIR_HU} HU, got a maximum of {hu.max()}")


def _part_lungs(air: BoolArray, scan: CoarseScan) -> list[BoolArray]:
    """Cuts airways off and parts the lungs, by what an erosion leaves of them."""
    radius = scan.radius_voxels(_PARTING_RADIUS_MM)
    labels, lung_labels, airway = _cores(air, scan, radius)
    lung = _without_small_parts(
        air & ~dilate(airway, (radius[0] + 1, radius[1] + 1, radius[2] + 1))
    )
    if len(lung_labels) < 2:
        return [lung]
    distances = [_distance_mm(labels == label, scan) for label in lung_labels]
    nearest = np.argmin(distances, axis=0)
    parts = [lung & (nearest == own) for own in range(len(lung_labels))]
    return [part for part in parts if part.any()]


def _distance_mm(mask: BoolArray, scan: CoarseScan) -> npt.NDArray[np.float32]:
    """Distance of each voxel from a mask, negative inside."""
    image = _image(mask)
    image.SetSpacing(scan.spacing_mm[::-1])
    distance = sitk.SignedMaurerDistanceMap(image, False, False, True)
    return np.asarray(sitk.GetArrayFromImage(distance), dtype=np.float32)


def _cores(
    air: BoolArray, scan: CoarseScan, radius: tuple[int, int, int]
) -> tuple[IntArray, list[int], BoolArray]:
    """Components of the eroded air: their labels, which are lungs, and the mask of airways."""
    # Beyond the ends of the volume lungs and airways go on.
    labels = _components(erode(air, radius))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    airway = _is_gas(labels, scan.hu, AIRWAY_GAS_HU) & (sizes < _MAX_AIRWAY_SHARE * sizes.sum())
    airway[0] = False
    lungs = (sizes >= max(1.0, _MIN_SHARE_OF_LARGEST * sizes.max())) & ~airway
    return labels, [int(label) for label in np.flatnonzero(lungs)], airway[labels]


def _without_small_parts(mask: BoolArray) -> BoolArray:
    """A mask without the small parts that cutting left."""
    labels = _components(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= max(1.0, _MIN_SHARE_OF_LARGEST * sizes.max()))[labels])


def _close(lung: BoolArray, scan: CoarseScan) -> BoolArray:
    """Closes one lung by a ball and fills what is then enclosed, such as a large nodule."""
    box = padded_box(lung, margin=1)
    radius = scan.radius_voxels(_CLOSING_RADIUS_MM)
    # A lung that is cut by an end of the volume goes on beyond it.
    below = radius[0] if box[0].start == 0 else 0
    above = radius[0] if box[0].stop == lung.shape[0] else 0
    longer = np.pad(lung[box], ((below, above), (0, 0), (0, 0)), mode="edge")
    filled = _array(sitk.BinaryFillhole(_image(close(longer, radius))))
    whole = np.zeros_like(lung)
    whole[box] = filled[below : filled.shape[0] - above]
    return whole


def _touches_sides(labels: IntArray) -> BoolArray:
    """Which labels reach more of the patient's four sides of the volume than a cut lung does."""
    sides = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    voxels = np.concatenate([side.ravel() for side in sides])
    counts = np.bincount(voxels, minlength=int(labels.max()) + 1)
    return np.asarray(counts > _MAX_SIDE_SHARE * len(voxels))


def _is_gas(labels: IntArray, hu: HuArray, threshold_hu: int) -> BoolArray:
    """Which labels have most of their voxels below a threshold."""
    sizes = np.bincount(labels.ravel())
    dark = np.bincount(labels[hu < threshold_hu], minlength=len(sizes))
    return np.asarray(2 * dark > sizes)


def _leave_out_gas(candidates: BoolArray, labels: IntArray, scan: CoarseScan) -> None:
    """Unmarks labels that are gas within a border of partial volume, or no wider than a tube."""
    if not candidates.any():
        return
    mask = candidates[labels]
    box = padded_box(mask)
    inner = erode(mask[box], (1, 1, 1)) & mask[box]
    held, hu = labels[box][inner], scan.hu[box][inner]
    sizes, dark, vessels = (
        np.bincount(held[part], minlength=len(candidates))
        for part in (slice(None), hu < _INNER_GAS_HU, hu >= _VESSEL_HU)
    )
    candidates &= (2 * dark <= sizes) | (vessels >= _MIN_VESSELS * sizes)
    for label in np.flatnonzero(candidates):
        candidates[label] = _width_mm(labels[box] == label, scan) > _MAX_TUBE_MM


def _width_mm(mask: BoolArray, scan: CoarseScan) -> float:
    """The largest extent of a mask along y or x in any slice."""
    widths = []
    for held, mm in (
        (mask.any(axis=2), scan.spacing_mm[1]),
        (mask.any(axis=1), scan.spacing_mm[2]),
    ):
        filled = held[held.any(axis=1)]
        first, last = filled.argmax(axis=1), filled[:, ::-1].argmax(axis=1)
        widths.append(float((filled.shape[1] - first - last).max()) * mm)
    return max(widths)


def _components(mask: BoolArray) -> IntArray:
    """Face-connected components numbered from 1."""
    return np.asarray(sitk.GetArrayFromImage(sitk.ConnectedComponent(_image(mask))))


def _image(mask: BoolArray) -> Any:
    """A mask as SimpleITK image."""
    return sitk.GetImageFromArray(mask.view(np.uint8))


def _array(image: Any) -> BoolArray:
    """A SimpleITK mask as bool array."""
    array: npt.NDArray[np.uint8] = sitk.GetArrayFromImage(image)
    return array.view(np.bool_)
