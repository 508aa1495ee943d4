"""FROC curves of the judged rows: sensitivity against false positives per scan."""

from collections.abc import Sequence
from dataclasses import dataclass

from lungct.figures import count
from lungct.froc.curve import Curve
from lungct.tally import Tally
from schema import features
from schema.slice_keys import ALL

Point = tuple[float, float]


@dataclass(frozen=True)
class FrocCurve:
    """One curve.

    Attributes:
        bucket: Size bucket of the nodules, or "all".
        nodules: How many nodules there are.
        points: (false positives per scan, sensitivity) at the corners, both growing.
    """

    bucket: str
    nodules: int
    points: tuple[Point, ...]


def froc_curves(tally: Tally, split: str = features.SPLIT_EVAL) -> tuple[FrocCurve, ...]:
    """The curve of all nodules of a split, then those of the size buckets that have nodules.

    Args:
        tally: Counts of nodules and scans.
        split: The split.

    Returns:
        Every curve counts the false positives of all scans; none without nodules.
    """
    curves = []
    for bucket in (ALL, *features.BUCKETS):
        part = tally.part(features.CANDIDATE, split, None if bucket == ALL else bucket)
        nodules = count("nodules", part)
        if nodules:
            curves.append(FrocCurve(bucket, nodules, corners(part.froc.curve())))
    return tuple(curves)


def corners(curve: Curve) -> tuple[Point, ...]:
    """The points of a curve without those between two others of the same sensitivity."""
    rates = curve.false_positives_per_scan.tolist()
    found: Sequence[Point] = list(zip(rates, curve.sensitivity.tolist(), strict=True))
    last = len(found) - 1
    return tuple(
        point
        for place, point in enumerate(found)
        if place in (0, last) or not found[place - 1][1] == point[1] == found[place + 1][1]
    )
