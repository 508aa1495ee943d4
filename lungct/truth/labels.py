"""The nodules of one scan: annotated spheres, what its readers agree on, or a label mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.scan import Nodule, Scan, ScanError
from lungct.truth.lidc.truth import OutlineTruth, consensus_nodules
from lungct.truth.masks import MaskTruth, mask_nodules
from lungct.truth.spheres import NodulePatch, sphere_patches
from lungct.truth.voxels import VoxelNodule, coverage_patches, native_patches


@dataclass(frozen=True)
class Labels:
    """Nodules of a scan that can be rendered on any grid.

    Attributes:
        spheres: Annotated nodules.
        voxels: Nodules of reader outlines or a mask, on the scan's own grid as it is stored.
        warnings: What a reader of the labels should know, one line each.
    """

    spheres: tuple[Nodule, ...] = ()
    voxels: tuple[VoxelNodule, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def extents(self) -> tuple[Nodule, ...]:
        """Balls that hold every nodule, for laying out a grid."""
        return self.spheres + tuple(nodule.extent for nodule in self.voxels)

    def patches(self, target: Geometry) -> tuple[NodulePatch, ...]:
        """Every nodule rendered on a grid.

        Args:
            target: The grid; identity direction where there are outlines or a mask.

        Returns:
            One patch for each nodule that reaches into the grid.
        """
        return sphere_patches(self.spheres, target) + coverage_patches(self.voxels, target)

    def stored_patches(self, geometry: Geometry) -> tuple[NodulePatch, ...]:
        """Every nodule rendered on the scan's own grid.

        Args:
            geometry: Grid of the scan as it is stored, any direction cosines.

        Returns:
            One patch for each nodule.
        """
        return sphere_patches(self.spheres, geometry) + native_patches(self.voxels)


def read_labels(
    scan: Scan, nodules: Sequence[Nodule], truth: OutlineTruth | MaskTruth | None
) -> Labels:
    """The truth of a scan.

    Args:
        scan: The scan, axes as they are stored.
        nodules: Its annotated nodules; not used where there are outlines or a mask.
        truth: Reader outlines of the series, its label mask, or None.

    Returns:
        The consensus of readers, the parts of the mask, or spheres where there is neither.

    Raises:
        ScanError: A centre lies outside of the scan, or outlines or mask can't be trusted.
    """
    if truth is None:
        _check_centres(nodules, scan.geometry)
        return Labels(spheres=tuple(nodules))
    if isinstance(truth, MaskTruth):
        return Labels(voxels=mask_nodules(truth.path, scan.geometry, truth.value))
    consensus, warnings = consensus_nodules(truth, scan.series_uid, scan.geometry)
    return Labels(voxels=consensus, warnings=warnings)


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
