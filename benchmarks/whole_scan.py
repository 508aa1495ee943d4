"""A model on whole real scans of which is known how many readers outlined each voxel."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.own_grid import mask_as_found, truth_on_grid
from components.segment_scans.judging import judge_scan
from lungct.froc.matching import Marks, match_marks
from lungct.geometry import Geometry
from lungct.inventory import FoundScan, take_inventory
from lungct.metrics import Mask
from lungct.orientation import to_patient_axes
from lungct.readers.nifti import read_values
from lungct.readers.nifti_header import read_header
from lungct.roots import DataRoot
from lungct.truth.masks import nodules_of_mask
from schema import features
from schema.judged import NoduleRow, Place, ScanRow
from serving.scan import ScanResult, segment_scan
from serving.served import ServedModel

READERS: Final = 4  # each scan of LIDC was read by four
_COUNTS: Final = "_readercount.nii.gz"
_SAME_MM: Final = 0.01


@dataclass(frozen=True)
class OutlinedScan:
    """A scan and the counts of its readers.

    Attributes:
        found: The scan.
        counts: File of how many readers outlined each voxel.
    """

    found: FoundScan
    counts: Path


@dataclass(frozen=True)
class OfNodule:
    """What a model has of one nodule that at least half of the readers outlined.

    Attributes:
        diameter_mm: Of the sphere of the same volume.
        found: Whether the centre of a found nodule is nearer to its own than the radius.
        dice: Nodule Dice on the scan's own grid, in a box 5 mm around it.
    """

    diameter_mm: float
    found: bool
    dice: float


@dataclass(frozen=True)
class OfScan:
    """What a model has of one scan.

    Attributes:
        series_uid: The scan.
        nodules: From the largest to the smallest.
        false_positives: Found nodules that hit none, of the 100 most probable as in LUNA16.
        on_excluded: How many of these lie on a finding that LUNA16 leaves out of the count.
    """

    series_uid: str
    nodules: tuple[OfNodule, ...]
    false_positives: int
    on_excluded: int

    def described(self) -> dict[str, Any]:
        """The scan as plain JSON."""
        nodules = [vars(one) for one in self.nodules]
        return {**vars(self), "nodules": nodules}


def outlined_scans(root: Path) -> Iterator[OutlinedScan]:
    """The scans of a root of LUNA16's layout beside whose outlines the counts of readers are.

    Args:
        root: The folder; `lidc/SERIES_readercount.nii.gz` in it are the counts.
    """
    for found in take_inventory([DataRoot(str(root))]).scans:
        counts = root / "lidc" / f"{found.series_uid}{_COUNTS}"
        if counts.is_file():
            yield OutlinedScan(found, counts)


def judge_whole_scan(scan: OutlinedScan, model: ServedModel) -> OfScan:
    """Segments a scan as `python -m serving.segment` does, and judges what is found.

    Args:
        scan: The scan.
        model: The model.

    Raises:
        ScanError: The scan can't be used.
        ValueError: The counts lie on another grid.
    """
    return judge_result(scan, segment_scan(scan.found, model))


def judge_result(scan: OutlinedScan, result: ScanResult) -> OfScan:
    """Judges what was found in a scan by what at least half of its readers outlined.

    Args:
        scan: The scan.
        result: What was found.

    Raises:
        ValueError: The counts lie on another grid.
    """
    truth, geometry = _consensus(scan.counts)
    stored, own = to_patient_axes(result.mask, result.geometry)
    if own.shape != geometry.shape or own.distance_mm(geometry) > _SAME_MM:
        raise ValueError(
            f"expected counts on the scan's grid {own.shape} at {own.origin_mm}, got "
            f"{geometry.shape} at {geometry.origin_mm} in {scan.counts}"
        )
    uid = scan.found.series_uid
    place = Place(features.SPLIT_EVAL, uid, uid, scan.found.source, features.BUCKETS)
    judged = truth_on_grid(place, truth, own, nodules_of_mask(truth, own, str(scan.counts)))
    found = {features.CANDIDATE: mask_as_found(stored > 0, result.nodules)}
    rows = judge_scan(judged, found)
    (whole,) = (row for row in rows if isinstance(row, ScanRow))
    wrong = whole.figures[features.CANDIDATE].false_positives
    centres_mm = np.array([one.centre_mm for one in wrong], np.float64).reshape(-1, 3)
    marks = Marks(centres_mm, np.array([one.probability for one in wrong], np.float64))
    return OfScan(
        uid,
        tuple(_of_nodule(row) for row in rows if isinstance(row, NoduleRow)),
        len(wrong),
        match_marks(marks, (), scan.found.excluded).on_excluded,
    )


def _of_nodule(row: NoduleRow) -> OfNodule:
    figures = row.figures[features.CANDIDATE]
    found = not np.isnan(figures.hit_probability)
    return OfNodule(row.diameter_mm, found, figures.overlap.dice)


def _consensus(path: Path) -> tuple[Mask, Geometry]:
    """(z, y, x) bool, what at least half of the readers outlined, and its grid."""
    header = read_header(str(path))
    counts, geometry = to_patient_axes(read_values(header), header.geometry)
    return np.asarray(2 * counts >= READERS), geometry
