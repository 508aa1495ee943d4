"""FROC curves of judged rows, by hand."""

import numpy as np

from lungct.froc.curve import Curve
from lungct.metrics import Overlap
from report.detection import corners, froc_curves
from report.judged import Judged
from tests.report.facts import nodule_row, scan_row

OVERLAP = Overlap(4, 7, 7)


def test_curves_of_all_nodules_and_by_size() -> None:
    nodules = (
        nodule_row(OVERLAP, hit=0.9),
        nodule_row(OVERLAP, hit=0.3, bucket="15+", patient="q"),
        nodule_row(OVERLAP, hit=0.8, split="train", patient="r"),
    )
    scans = (scan_row(marks=(0.5,)), scan_row(patient="q"))

    curves = froc_curves(Judged(nodules, scans).tally())

    # 0.9 hits, 0.5 is false, 0.3 hits; two scans.
    whole, small, large = curves
    assert (whole.bucket, whole.nodules) == ("all", 2)
    assert whole.points == ((0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0))
    assert (small.bucket, small.nodules, small.points[1]) == ("3-6", 1, (0.0, 1.0))
    # What is false has no size and counts for every one.
    assert (large.bucket, large.points[-1]) == ("15+", (0.5, 1.0))


def test_no_nodules_no_curve() -> None:
    assert froc_curves(Judged((), (scan_row(marks=(0.5,)),)).tally()) == ()
    assert froc_curves(Judged((), ()).tally()) == ()


def test_points_on_a_level_line_are_left_out() -> None:
    rates = np.array([0.0, 0.0, 0.25, 0.5, 0.75, 1.0])
    shares = np.array([0.0, 0.5, 0.5, 0.5, 1.0, 1.0])

    found = corners(Curve(np.zeros(6), rates, shares))

    assert found == ((0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.75, 1.0), (1.0, 1.0))
