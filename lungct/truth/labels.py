"""The nodules of one scan: annotated spheres, or what its readers agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.scan import Nodule, Scan, ScanError
from lungct.truth.lidc.truth import (
    ConsensusNodule,
    OutlineTruth,
    consensus_nodules,
    coverage_patches,
    native_patches,
)
from lungct.truth.spheres import NodulePatch, sphere_patches


@dataclass(frozen=True)
class Labels:
    """Nodules of a scan that can be rendered on any grid.

    Attributes:
        spheres: Annotated nodules.
        consensus: What readers agree on, on the scan's own grid as it is stored.
        warnings: What a reader of the labels should know, one line each.
    """

    spheres: tuple[Nodule, ...] = ()
    consensus: tuple[ConsensusNodule, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def extents(self) -> tuple[Nodule, ...]:
        """Balls that hold every nodule, for laying out a grid."""
        return self.spheres + tuple(nodule.extent for nodule in self.consensus)

    def patches(self, target: Geometry) -> tuple[NodulePatch, ...]:
        """Every nodule rendered on a grid.

        Args:
            target: The grid; identity direction where there are outlines.

        Returns:
            One patch for each nodule that reaches into the grid.
        """
        return sphere_patches(self.spheres, target) + coverage_patches(self.consensus, target)

    def stored_patches(self, geometry: Geometry) -> tuple[NodulePatch, ...]:
        """Every nodule rendered on the scan's own grid.

        Args:
            geometry: Grid of the scan as it is stored, any direction cosines.

        Returns:
            One patch for each nodule.
        """
        return sphere_patches(self.spheres, geometry) + native_patches(self.consensus)


def read_labels(scan: Scan, nodules: Sequence[Nodule], truth: OutlineTruth | None) -> Labels:
    """The truth of a scan.

    Args:
        scan: The scan, axes as they are stored.
        nodules: Its annotated nodules; not used where there are outlines.
        truth: Reader outlines of the series, or None.

    Returns:
        Spheres without outlines, the consensus of readers with them.

    Raises:
        ScanError: A centre lies outside of the scan, or the outlines can't be trusted.
    """
    if truth is None:
        _check_centres(nodules, scan.geometry)
        return Labels(spheres=tuple(nodules))
    consensus, warnings = consensus_nodules(truth, scan.series_uid, scan.geometry)
    return Labels(consensus=consensus, warnings=warnings)


def nodule_facts(patch: NodulePatch, geometry: Geometry) -> dict[str, Any]:
    """What is to be known of a nodule, ready for JSON.

    Args:
        patch: The nodule as it was rendered.
        geometry: The grid that it was rendered on.

    Returns:
        id, centre_mm (x, y, z), diameter_mm, volume_mm3 as rendered, bucket.
    """
    return {
        "id": patch.nodule.nodule_id,
        "centre_mm": list(patch.nodule.centre_mm),
        "diameter_mm": patch.nodule.diameter_mm,
        "volume_mm3": float(patch.coverage.sum()) * geometry.voxel_volume_mm3,
        "bucket": patch.nodule.bucket,
    }


def _check_centres(nodules: Sequence[Nodule], geometry: Geometry) -> None:
    """Refuses a nodule whose centre lies outside the scan."""
    for nodule in nodules:
        if not geometry.contains(nodule.centre_mm):
            low, high = geometry.world_box(geometry.whole)
            raise ScanError(
                f"expected the centre of nodule {nodule.nodule_id} between {_mm(low)} and "
                f"{_mm(high)} mm, got {_mm(nodule.centre_mm)}"
            )


def _mm(point: Sequence[float] | npt.NDArray[np.float64]) -> str:
    """A world point for a message."""
    return "(" + ", ".join(f"{value:.1f}" for value in point) + ")"
