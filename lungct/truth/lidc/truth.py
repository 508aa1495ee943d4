"""The consensus of readers as truth: one nodule for each lesion, on the scan's or another grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.orientation import to_patient_axes
from lungct.scan import Nodule
from lungct.truth.lidc.lesions import Lesion, find_lesions
from lungct.truth.lidc.outlines import BoolArray, image_stack, tight
from lungct.truth.lidc.reads import read_reads
from lungct.truth.spheres import Box, NodulePatch, equivalent_diameter_mm

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OutlineTruth:
    """Which outlines are the truth of one scan.

    Attributes:
        paths: XML files of its series.
        min_readers: Readers who must have outlined a voxel for it to be nodule.
    """

    paths: tuple[str, ...]
    min_readers: int = 2

    def __post_init__(self) -> None:
        """Checks both fields; raises ValueError naming what was expected and what came."""
        if not self.paths or self.min_readers < 1:
            raise ValueError(
                "expected XML files and at least 1 reader, got "
                f"{len(self.paths)} files and {self.min_readers} readers"
            )


@dataclass(frozen=True)
class ConsensusNodule:
    """What enough readers of a lesion agree on.

    Attributes:
        nodule: Centre of mass, and diameter of the sphere of the same volume.
        box: Slices (z, y, x) of the scan's own grid.
        geometry: The scan's grid within the box.
        mask: (z, y, x) bool in the box, never empty.
        readers: How many readers outlined the lesion.
    """

    nodule: Nodule
    box: Box
    geometry: Geometry
    mask: BoolArray
    readers: int

    @property
    def extent(self) -> Nodule:
        """A ball around the middle of the box as wide as its longest side, for laying out grids."""
        low, high = self.geometry.world_box(self.geometry.whole)
        x, y, z = (float(mm) for mm in (low + high) / 2)
        return Nodule(self.nodule.nodule_id, (x, y, z), float((high - low).max()))


def consensus_nodules(
    truth: OutlineTruth, series_uid: str, geometry: Geometry
) -> tuple[tuple[ConsensusNodule, ...], tuple[str, ...]]:
    """Reads the outlines of a scan and finds what its readers agree on.

    Args:
        truth: Files of the series, and how many readers must agree.
        series_uid: Series of the scan.
        geometry: Its own grid, axes as they are stored.

    Returns:
        A nodule for each lesion of which enough readers share at least one voxel, and what a
        reader of the result should know, one line each.

    Raises:
        LidcError: The outlines can't be read or trusted, or do not fit the scan.
    """
    reads = read_reads(truth.paths, series_uid)
    lesions, warnings = find_lesions(reads, image_stack(geometry))
    nodules = []
    for lesion in lesions:
        nodule = consensus_nodule(lesion, geometry, truth.min_readers)
        if nodule is not None:
            nodules.append(nodule)
        elif len(lesion.readers) >= truth.min_readers:
            warnings += (
                f"lesion {lesion.lesion_id}: its {len(lesion.readers)} readers share no voxel",
            )
    return tuple(nodules), reads.warnings + warnings


def consensus_nodule(
    lesion: Lesion, geometry: Geometry, min_readers: int
) -> ConsensusNodule | None:
    """The voxels of a lesion that enough readers outlined.

    Args:
        lesion: A lesion on the scan's own grid.
        geometry: That grid.
        min_readers: Readers who must agree on a voxel.

    Returns:
        The consensus, or None where no voxel has enough readers.
    """
    agreed = lesion.reader_count >= min_readers
    if not agreed.any():
        return None
    box, mask = tight(lesion.box, agreed)
    grid = geometry.crop(box)
    x, y, z = (float(mm) for mm in grid.voxel_to_world(np.argwhere(mask).mean(axis=0)))
    diameter_mm = equivalent_diameter_mm(np.count_nonzero(mask) * grid.voxel_volume_mm3)
    nodule = Nodule(lesion.lesion_id, (x, y, z), diameter_mm)
    return ConsensusNodule(nodule, box, grid, mask, len(lesion.readers))


def native_patches(nodules: Sequence[ConsensusNodule]) -> tuple[NodulePatch, ...]:
    """Consensus masks on the scan's own grid.

    Args:
        nodules: What readers agree on.

    Returns:
        A patch for each, its coverage 0 or 1.
    """
    return tuple(NodulePatch(n.nodule, n.box, n.mask.astype(np.float32)) for n in nodules)


def coverage_patches(
    nodules: Sequence[ConsensusNodule], target: Geometry
) -> tuple[NodulePatch, ...]:
    """Consensus masks on another grid, where each voxel has the share of it that lies inside.

    The voxels of the scan are taken as solid boxes, and boxes of both grids are parallel, so the
    share is exact, and the volume is that of the consensus as far as the grid goes.

    Args:
        nodules: What readers agree on, on a grid whose axes are the world's.
        target: A grid with identity direction.

    Returns:
        A patch for each nodule that reaches into the grid.
    """
    patches = (_coverage_patch(nodule, target) for nodule in nodules)
    return tuple(patch for patch in patches if patch is not None)


def _coverage_patch(nodule: ConsensusNodule, target: Geometry) -> NodulePatch | None:
    """One consensus mask on another grid; None where it lies outside."""
    mask, source = to_patient_axes(nodule.mask, nodule.geometry)
    box, shares = [], []
    for axis in range(3):
        start, share = _axis_shares(source, target, axis)
        box.append(slice(start, start + len(share)))
        shares.append(share)
    coverage = np.einsum("zk,yj,xi,kji->zyx", *shares, mask.astype(np.float64), optimize=True)
    if not coverage.any():
        return None
    clipped = np.clip(coverage, 0, 1).astype(np.float32)
    return NodulePatch(nodule.nodule, (box[0], box[1], box[2]), clipped)


def _axis_shares(source: Geometry, target: Geometry, axis: int) -> tuple[int, FloatArray]:
    """First target voxel that an axis touches, and its and the next ones' shares in the source.

    The shares have a row for each target voxel and a column for each source voxel.
    """
    world = 2 - axis
    source_mm, target_mm = source.spacing_mm[world], target.spacing_mm[world]
    # Faces of the source's voxels in units of the target's, 0 at its first face.
    first = (source.origin_mm[world] - source_mm / 2 - target.origin_mm[world]) / target_mm + 0.5
    faces = first + np.arange(source.shape[axis] + 1) * (source_mm / target_mm)
    start = int(np.clip(np.floor(faces[0]), 0, target.shape[axis]))
    stop = int(np.clip(np.ceil(faces[-1]), start, target.shape[axis]))
    voxels = np.arange(start, stop)[:, None]
    low, high = np.maximum(voxels, faces[:-1]), np.minimum(voxels + 1, faces[1:])
    return start, np.maximum(high - low, 0.0)
