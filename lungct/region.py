"""The region of interest of a scan: its lungs, or all of a volume that is a crop already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.limits import LUNG
from lungct.lung.airspace import Box
from lungct.lung.mask import lungs_in_box
from lungct.readers.continuity import check_continuity
from lungct.resample import resample


@dataclass(frozen=True)
class Region:
    """The part of a grid that is of interest; nothing outside of the box is.

    Attributes:
        box: Slices (z, y, x) of the grid.
        mask: (z, y, x) bool, the region within the box.
    """

    box: Box
    mask: npt.NDArray[np.bool_]

    def plane(self, z: int, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """One slice of the whole grid.

        Args:
            z: Slice of the grid.
            shape: Pixels (y, x) of a slice.

        Returns:
            (y, x) uint8, 1 in the region.
        """
        plane = np.zeros(shape, dtype=np.uint8)
        if self.box[0].start <= z < self.box[0].stop:
            plane[self.box[1:]] = self.mask[z - self.box[0].start]
        return plane


def find_region(kind: str, hu: npt.NDArray[np.int16], geometry: Geometry) -> Region:
    """The region of interest of a scan whose axes run along the patient's.

    Args:
        kind: LUNG or VOLUME.
        hu: (z, y, x) int16 Hounsfield units.
        geometry: Grid of the volume.

    Returns:
        The lungs, or all of the volume.

    Raises:
        ScanError: The voxels are no image, or hold no lung where one is wanted.
    """
    if kind == LUNG:
        return Region(*lungs_in_box(hu, geometry))
    check_continuity(hu, kind)
    return Region(geometry.whole, np.ones(hu.shape, dtype=np.bool_))


def resample_region(region: Region, source: Geometry, target: Geometry) -> Region:
    """The region on another grid, each voxel as the nearest of the source.

    Args:
        region: The region.
        source: Its grid.
        target: The grid to take it to, which it reaches into.

    Returns:
        The region in a box of the target that may be wider than it is.
    """
    low, high = target.voxel_bounds(*source.world_box(region.box))
    first = np.clip(np.floor(low).astype(int), 0, np.asarray(target.shape) - 1)
    last = np.clip(np.ceil(high).astype(int), 0, np.asarray(target.shape) - 1)
    z, y, x = (slice(int(start), int(stop) + 1) for start, stop in zip(first, last, strict=True))
    mask = region.mask.view(np.uint8)
    found = resample(mask, source.crop(region.box), target.crop((z, y, x)), "nearest")
    return Region((z, y, x), found.view(np.bool_))
