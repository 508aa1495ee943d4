"""The limits of a plausible scan: what readers, ingest, `lungct.check` and the schema refuse alike.

A scan within them is never refused for itself later. Each limit is here and nowhere else;
`schema.contract` makes the domains of the data's schema from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lungct.scan import HU_MAX, HU_MIN, ScanError

# Kinds of region of interest: the lungs found in the scan, or all of a volume that is a crop.
LUNG: Final = "lung"
VOLUME: Final = "volume"
REGIONS: Final = (LUNG, VOLUME)

# Before a voxel is read: voxels, bytes, and slices or pixels along one axis.
MAX_VOXELS: Final = 1 << 30
MAX_VOXEL_BYTES: Final = 1 << 31
# Slices are judged one by one, which a million slices of one voxel would make slow.
MAX_SIZE: Final = 1 << 16

# No scanner is wider: voxels and nodules further than this from the world's origin are refused.
MAX_COORDINATE_MM: Final = 10_000.0

# Nodules and lesions, annotated or of a mask.
MAX_DIAMETER_MM: Final = 150.0


@dataclass(frozen=True)
class Limit:
    """What one fact about a scan may be.

    Attributes:
        fact: Its name, a feature of the schema.
        low: Smallest value.
        high: Largest value.
        unit: Unit, for messages.
        regions: The kinds of region that it holds for.
    """

    fact: str
    low: float
    high: float
    unit: str
    regions: tuple[str, ...] = REGIONS

    @property
    def text(self) -> str:
        """The range for a message."""
        return f"{self.fact} from {self.low:g} to {self.high:g} {self.unit}".rstrip()


SPACING_X: Final = Limit("spacing_x_mm", 0.1, 10.0, "mm")
SPACING_Y: Final = Limit("spacing_y_mm", 0.1, 10.0, "mm")
SPACING_Z: Final = Limit("spacing_z_mm", 0.1, 20.0, "mm")

# Along an axis of the voxels, which may run along any axis of the patient.
MIN_SPACING_MM: Final = min(SPACING_X.low, SPACING_Y.low, SPACING_Z.low)
MAX_SPACING_MM: Final = max(SPACING_X.high, SPACING_Y.high, SPACING_Z.high)

# Two adjacent slices of 1 mm hold some 36 ml of lung; no chest holds more than 15 litres.
LUNG_VOLUME: Final = Limit("lung_volume_ml", 15.0, 15_000.0, "ml", (LUNG,))

# Percentiles in the box around the region: in lungs the darkest voxels are air.
LUNG_P01: Final = Limit("hu_p01", HU_MIN, -300.0, "HU", (LUNG,))
CROP_P01: Final = Limit("hu_p01", HU_MIN, HU_MAX, "HU", (VOLUME,))
HU_P50: Final = Limit("hu_p50", HU_MIN, HU_MAX, "HU")
HU_P99: Final = Limit("hu_p99", HU_MIN, HU_MAX, "HU")

SCAN_LIMITS: Final = (
    *(SPACING_X, SPACING_Y, SPACING_Z),
    LUNG_VOLUME,
    *(LUNG_P01, CROP_P01, HU_P50, HU_P99),
)

# Of the lungs found and what surrounds them, which no example holds: medians of HU, and extents
# where the lungs end within the volume. Fat alone lies above the lowest wall, tissue with contrast
# below the highest. `python -m benchmarks.scan_content` prints them for real scans.
CHEST_LIMITS: Final = (
    Limit("lung_hu_p50", -975.0, -450.0, "HU", (LUNG,)),
    Limit("wall_hu_p50", -140.0, 150.0, "HU", (LUNG,)),
    Limit("room_air_hu_p50", HU_MIN, -840.0, "HU", (LUNG,)),
    Limit("lung_height_mm", 25.0, 450.0, "mm", (LUNG,)),
    Limit("lung_depth_mm", 30.0, 330.0, "mm", (LUNG,)),
    Limit("lung_width_mm", 20.0, 450.0, "mm", (LUNG,)),
    Limit("lung_height_per_depth", 0.35, 2.1, "", (LUNG,)),
    Limit("lung_width_per_depth", 0.3, 2.4, "", (LUNG,)),
)


# Lungs of adults, of whom all is in the volume; others are accepted with a warning.
USUAL_LIMITS: Final = (
    Limit("lung_height_mm", 100.0, 450.0, "mm", (LUNG,)),
    Limit("lung_depth_mm", 100.0, 330.0, "mm", (LUNG,)),
    Limit("lung_width_mm", 150.0, 450.0, "mm", (LUNG,)),
)


def check_facts(
    facts: Mapping[str, float], region: str, limits: Iterable[Limit] = SCAN_LIMITS
) -> None:
    """Refuses a scan of which a fact is out of its limits.

    Args:
        facts: Value by name of the fact; what has no limit passes.
        region: LUNG or VOLUME.
        limits: The limits.

    Raises:
        ScanError: By the rule `implausible`, naming fact, limits and value.
    """
    for limit in limits:
        value = facts.get(limit.fact)
        if value is None or region not in limit.regions:
            continue
        if not limit.low <= value <= limit.high:
            raise ScanError(f"implausible: expected {limit.text}, got {value:g}")


def widest(fact: str) -> tuple[float, float]:
    """Lowest and highest value that a fact may have in any region.

    Args:
        fact: Name of the fact.

    Returns:
        The bounds, for a schema that sees scans of all regions.

    Raises:
        KeyError: The fact has no limit.
    """
    found = [limit for limit in SCAN_LIMITS if limit.fact == fact]
    if not found:
        raise KeyError(f"expected a fact with a limit, got {fact!r}")
    return min(limit.low for limit in found), max(limit.high for limit in found)
