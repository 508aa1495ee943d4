"""Reliability, counted by hand."""

import pytest

from report.calibration import calibration
from schema.judged import Calibration
from tests.report.facts import scan_row


def test_bins_of_all_scans_together() -> None:
    scans = [
        scan_row(calibration=Calibration((90, 10), (9, 5))),
        scan_row(calibration=Calibration((10, 0), (1, 0)), patient="q"),
    ]

    low, high = calibration(scans, 200)

    assert (low.low, low.high, low.middle) == (0.0, 0.5, 0.25)
    assert (low.voxels, low.true_voxels, low.share) == (100, 10, 0.1)
    # Of both patients a tenth is true, so that it does not matter who is drawn.
    assert (low.lower, low.upper) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (high.voxels, high.share) == (10, 0.5)


def test_scans_of_one_patient_have_no_interval() -> None:
    bins = calibration([scan_row(), scan_row()], 200)

    assert [(one.voxels, one.lower, one.upper) for one in bins] == [
        (180, None, None),
        (20, None, None),
    ]


def test_empty_bin_and_no_scans() -> None:
    (only,) = calibration([scan_row(calibration=Calibration((0,), (0,)))], 200)

    assert only.share is None
    assert calibration([], 200) == ()


def test_bins_of_different_numbers() -> None:
    scans = [scan_row(), scan_row(calibration=Calibration((1,), (1,)))]
    with pytest.raises(ValueError, match=r"same number of bins in every scan, got \[1, 2\]"):
        calibration(scans, 200)


def test_as_many_draws_as_are_asked_for() -> None:
    scans = [
        scan_row(calibration=Calibration((90, 10), (9, 5)), patient=str(number))
        for number in range(4)
    ]
    scans.append(scan_row(calibration=Calibration((90, 10), (90, 10)), patient="q"))

    few, many = (calibration(scans, replicates)[0] for replicates in (2, 1000))
    # Drawn with seed 1, `q` is there 0 to 3 times.
    assert (few.lower, few.upper) != (many.lower, many.upper)
    assert {(one.lower, one.upper) for one in calibration(scans, 0)} == {(None, None)}
