"""The consensus of readers as truth: one nodule for each lesion."""

from __future__ import annotations

from dataclasses import dataclass

from lungct.geometry import Geometry
from lungct.roots import DataRoot
from lungct.truth.lidc.lesions import Lesion, find_lesions
from lungct.truth.lidc.outlines import check_heights, image_stack
from lungct.truth.lidc.reads import LidcError, read_reads
from lungct.truth.voxels import VoxelNodule, voxel_nodule


@dataclass(frozen=True)
class OutlineTruth:
    """Which outlines are the truth of one scan.

    Attributes:
        paths: XML files of its series.
        min_readers: Readers who must have outlined a voxel for it to be nodule.
        same_pixels: Whether the scan keeps the DICOM image's order of columns and rows, as DICOM
            series and the files of LUNA16 do. NIfTI files do not as a rule: they are refused,
            because a turn by half a circle can't be told from a patient who lay the other way.
    """

    paths: tuple[str, ...]
    min_readers: int = DataRoot.min_readers
    same_pixels: bool = True

    def __post_init__(self) -> None:
        """Checks the first two; raises ValueError naming what was expected and what came."""
        if not self.paths or self.min_readers < 1:
            raise ValueError(
                "expected XML files and at least 1 reader, got "
                f"{len(self.paths)} files and {self.min_readers} readers"
            )


def consensus_nodules(
    truth: OutlineTruth, series_uid: str, geometry: Geometry
) -> tuple[tuple[VoxelNodule, ...], tuple[str, ...]]:
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
    if not truth.same_pixels:
        raise LidcError(
            "expected a scan with the pixels of its DICOM images for reader outlines, got one of a "
            f"layout that may turn them, series {series_uid}"
        )
    reads = read_reads(truth.paths, series_uid)
    stack = image_stack(geometry)
    check_heights(reads, stack)
    lesions, warnings = find_lesions(reads, stack)
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


def consensus_nodule(lesion: Lesion, geometry: Geometry, min_readers: int) -> VoxelNodule | None:
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
    return voxel_nodule(lesion.lesion_id, lesion.box, agreed, geometry)
