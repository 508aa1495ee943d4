"""Marks of one scan against its nodules and excluded findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lungct.readers.names import UNKNOWN_DIAMETER
from lungct.scan import Nodule

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# A scan with more marks keeps those with a score above that of the first one too many.
MAX_MARKS: Final = 100

# What a diameter that nobody measured is taken for.
ASSUMED_DIAMETER_MM: Final = 10.0


@dataclass(frozen=True)
class Marks:
    """Where a model says that there are nodules in one scan.

    Attributes:
        centres_mm: (marks, 3) float64, world (x, y, z) in mm, LPS.
        scores: (marks,) float64, higher for what is more likely a nodule; any finite number.

    Raises:
        ValueError: The shapes don't fit, or a number is not finite.
    """

    centres_mm: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        """Refuses what can't be ranked or placed."""
        shapes = self.centres_mm.shape, self.scores.shape
        if self.scores.ndim != 1 or shapes[0] != (len(self.scores), 3):
            raise ValueError(f"expected centres (marks, 3) and scores (marks,), got {shapes}")
        for values in (self.centres_mm, self.scores):
            if not np.isfinite(values).all():
                wrong = values[~np.isfinite(values)][0]
                raise ValueError(f"expected finite centres and scores of marks, got {wrong}")


@dataclass(frozen=True)
class ScanMatches:
    """Which marks of one scan are hits or false, and which of its nodules are hit.

    Attributes:
        false_positives: (marks,) bool, in the order of the marks: those that lie in no nodule and
            in no excluded finding.
        false_positive_scores: (false positives,) float64, their scores.
        hit_scores: (nodules,) float64, in the order of the nodules: the highest score of a mark in
            the nodule; NaN where there is none.
        further_hits: Marks in a nodule beside the one with the highest score, over all nodules.
        on_excluded: Marks that lie in an excluded finding and in no nodule.
        over_limit: Marks left out as too many.
    """

    false_positives: BoolArray
    false_positive_scores: FloatArray
    hit_scores: FloatArray
    further_hits: int
    on_excluded: int
    over_limit: int


def match_marks(
    marks: Marks, nodules: Sequence[Nodule], excluded: Sequence[Nodule] = ()
) -> ScanMatches:
    """Decides for each mark of a scan what it is.

    A mark lies in a nodule or finding when its distance to the centre is less than the radius. In
    two nodules that overlap, it is a hit of both. Marks that are too many are left out first.

    Args:
        marks: All marks of the scan, in any order.
        nodules: What is to be found; a diameter of -1 means 10 mm.
        excluded: Findings that are neither true nor false; a diameter of -1 means 10 mm.

    Returns:
        The matches; without nodules or marks their arrays are empty.

    Raises:
        ValueError: A diameter is neither positive nor -1.
    """
    kept = _within_limit(marks.scores)
    hits = _inside(marks.centres_mm, nodules) & kept[:, None]
    on_nodule = hits.any(axis=1)
    on_excluded = _inside(marks.centres_mm, excluded).any(axis=1) & kept & ~on_nodule
    false_positives = kept & ~on_nodule & ~on_excluded
    found = hits.any(axis=0)
    best = np.where(hits, marks.scores[:, None], -np.inf).max(axis=0, initial=-np.inf)
    return ScanMatches(
        false_positives=false_positives,
        false_positive_scores=marks.scores[false_positives],
        hit_scores=np.where(found, best, np.nan),
        further_hits=int(hits.sum() - found.sum()),
        on_excluded=int(on_excluded.sum()),
        over_limit=int((~kept).sum()),
    )


def _within_limit(scores: FloatArray) -> BoolArray:
    """(marks,) bool: those that are kept; of several with one score all or none."""
    if len(scores) <= MAX_MARKS:
        return np.ones(len(scores), dtype=np.bool_)
    first_too_many = np.sort(scores)[-1 - MAX_MARKS]
    return np.asarray(scores > first_too_many)


def _inside(centres_mm: FloatArray, findings: Sequence[Nodule]) -> BoolArray:
    """(marks, findings) bool: which marks lie in which findings."""
    if not findings:
        return np.zeros((len(centres_mm), 0), dtype=np.bool_)
    others_mm = np.array([finding.centre_mm for finding in findings])
    squares = ((centres_mm[:, None] - others_mm[None]) ** 2).sum(axis=-1)
    return np.asarray(squares < _radii_mm(findings) ** 2)


def _radii_mm(findings: Sequence[Nodule]) -> FloatArray:
    """(findings,) float64 in mm."""
    diameters_mm = np.array([finding.diameter_mm for finding in findings], dtype=np.float64)
    diameters_mm[diameters_mm == UNKNOWN_DIAMETER] = ASSUMED_DIAMETER_MM
    wrong = diameters_mm[~(diameters_mm > 0)]
    if wrong.size:
        raise ValueError(f"expected a diameter above 0 mm, or -1, got {wrong[0]:g}")
    return diameters_mm / 2
