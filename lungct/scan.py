"""What a scan and a nodule are, and the error of a scan that can't be used."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry

# Range of Hounsfield units that is kept; lower values are padding outside the scan circle.
HU_MIN, HU_MAX = -1024, 3071

# Aerated lung and other air is darker than this, tissue and vessels are brighter.
AIR_HU = -400

# A voxel belongs to a nodule when at least half of it lies inside, in 255ths.
COVERAGE_THRESHOLD = 128

# Lower border in mm (inclusive) and name, as in Lung-RADS v2022; the first also takes what is
# smaller than 3 mm.
SIZE_BUCKETS = ((0.0, "3-6"), (6.0, "6-8"), (8.0, "8-15"), (15.0, "15+"))


class ScanError(ValueError):
    """The scan can't be used. The text is one line: what was expected and what came."""


def size_bucket(diameter_mm: float) -> str:
    """Name of the size bucket of a diameter in mm; lower borders are inclusive."""
    return [name for lower_mm, name in SIZE_BUCKETS if diameter_mm >= lower_mm][-1]


@dataclass(frozen=True)
class Nodule:
    """One annotated nodule, a sphere.

    Attributes:
        nodule_id: Unique within its series.
        centre_mm: World (x, y, z) in mm, LPS.
        diameter_mm: Diameter of the sphere in mm.
    """

    nodule_id: str
    centre_mm: tuple[float, float, float]
    diameter_mm: float

    @property
    def bucket(self) -> str:
        """Size bucket of the diameter."""
        return size_bucket(self.diameter_mm)

    @property
    def volume_mm3(self) -> float:
        """Volume of the sphere in mm³."""
        return math.pi / 6 * self.diameter_mm**3


@dataclass(frozen=True)
class Scan:
    """One CT volume that was read and can be trusted.

    Attributes:
        series_uid: Name of the series: its UID in DICOM, elsewhere its file's name without ending.
        hu: (z, y, x) int16 Hounsfield units, clipped to HU_MIN..HU_MAX.
        geometry: Its grid in the world.
        repairs: What was done to make the values HU, in words; empty when nothing was.
    """

    series_uid: str
    hu: npt.NDArray[np.int16]
    geometry: Geometry
    repairs: tuple[str, ...] = ()
