"""The nodules of one scan: annotated spheres, what its readers agree on, or a label mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.limits import MAX_DIAMETER_MM
from lungct.record import NoduleRecord
from lungct.roots import LIDC, MASKS, SPHERES, DataRoot
from lungct.scan import Nodule, Scan, ScanError
from lungct.truth.lidc.truth import OutlineTruth, consensus_nodules
from lungct.truth.masks import mask_nodules
from lungct.truth.spheres import NodulePatch, sphere_patches
from lungct.truth.voxels import VoxelNodule, coverage_patches, native_patches


@dataclass(frozen=True)
class Truth:
    """What the nodules of one scan are made from.

    Attributes:
        kind: SPHERES, LIDC or MASKS.
        nodules: Annotated nodules, used where the truth is SPHERES.
        outlines: XML files of its readers, used where the truth is LIDC.
        min_readers: Readers who must have outlined a voxel for it to be nodule.
        label: File of the label mask, used where the truth is MASKS.
        same_pixels: Whether outlines are drawn on the columns and rows of the stored scan.
    """

    kind: str = SPHERES
    nodules: tuple[Nodule, ...] = ()
    outlines: tuple[str, ...] = ()
    min_readers: int = DataRoot.min_readers
    label: str = ""
    same_pixels: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from besides tables."""
        if self.kind == LIDC:
            return self.outlines
        return (self.label,) if self.kind == MASKS and self.label else ()

    @property
    def words(self) -> str:
        """The truth for a reader."""
        if self.kind == LIDC:
            return f"outlines of {self.min_readers} or more readers"
        return "label masks" if self.kind == MASKS else SPHERES


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


def read_labels(scan: Scan, truth: Truth) -> Labels:
    """The nodules of a scan.

    Args:
        scan: The scan, axes as they are stored.
        truth: What they are made from, files on this machine.

    Returns:
        Spheres, the consensus of readers, or the connected parts of the mask.

    Raises:
        ScanError: A centre lies outside of the scan, outlines or mask are missing or can't be
            trusted, or a nodule is larger than any is.
    """
    if truth.kind == SPHERES:
        _check_centres(truth.nodules, scan.geometry)
        return Labels(spheres=truth.nodules)
    if truth.kind == MASKS:
        return _of_mask(scan, truth)
    return _of_outlines(scan, truth)


def nodule_record(patch: NodulePatch, geometry: Geometry) -> NoduleRecord:
    """The record of a nodule.

    Args:
        patch: The nodule as it was rendered.
        geometry: The grid that it was rendered on.

    Returns:
        Its volume is that of the rendered voxels.
    """
    nodule = patch.nodule
    volume_mm3 = float(patch.coverage.sum()) * geometry.voxel_volume_mm3
    return NoduleRecord(
        nodule.nodule_id, nodule.centre_mm, nodule.diameter_mm, volume_mm3, nodule.bucket
    )


def _of_outlines(scan: Scan, truth: Truth) -> Labels:
    """What the readers of a scan agree on."""
    if not truth.outlines:
        raise ScanError(
            f"expected reader outlines of series {scan.series_uid}, got no XML file of it"
        )
    outlines = OutlineTruth(truth.outlines, truth.min_readers, truth.same_pixels)
    consensus, warnings = consensus_nodules(outlines, scan.series_uid, scan.geometry)
    _check_sizes(consensus)
    return Labels(voxels=consensus, warnings=warnings)


def _of_mask(scan: Scan, truth: Truth) -> Labels:
    """The connected parts of a scan's label mask."""
    if not truth.label:
        raise ScanError(f"expected a label mask of {scan.series_uid}, got none")
    return Labels(voxels=mask_nodules(truth.label, scan.geometry))


def _check_sizes(nodules: Sequence[VoxelNodule]) -> None:
    """Refuses a nodule that is larger than any is."""
    for voxels in nodules:
        if voxels.nodule.diameter_mm > MAX_DIAMETER_MM:
            raise ScanError(
                f"expected nodules of at most {MAX_DIAMETER_MM:g} mm, got "
                f"{voxels.nodule.diameter_mm:.1f} mm of nodule {voxels.nodule.nodule_id}"
            )


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
