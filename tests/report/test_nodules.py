"""Results of single nodules and false positives, from their rows."""

from dataclasses import replace

import pytest

from lungct.metrics import Overlap
from lungct.record import ScanRecord
from report.judged import Judged
from report.nodules import by_dice, nodule_results, wrong_marks
from schema import features
from tests.report.facts import nodule, nodule_row, scan_row

RECORDS = {
    f"series of {patient}": ScanRecord(
        f"series of {patient}", "accepted", patient_id=patient, split="eval", phantom=True
    )
    for patient in "pq"
}
VOXEL_MM3 = 6.0  # 3 x 2 x 1 mm


def test_figures_of_a_nodule() -> None:
    row = nodule_row(Overlap(common=4, predicted=6, truth=10), hit=0.875)
    before = replace(row.figures[features.CANDIDATE], overlap=Overlap(5, 5, 10))
    both = replace(row, figures={**row.figures, features.BASELINE: before})

    (result,) = nodule_results(Judged((both,), ()), RECORDS, VOXEL_MM3)

    assert result.dice == pytest.approx(8 / 16)
    assert result.dice_before == pytest.approx(10 / 15)
    assert result.change == pytest.approx(1 / 2 - 2 / 3)
    assert (result.truth_mm3, result.predicted_mm3) == (60.0, 36.0)
    assert (result.surface_dice, result.hausdorff_mm, result.hit_probability) == (0.5, 2.0, 0.875)
    assert (result.anchor, result.bucket, result.phantom) == ("nodule-1", "3-6", True)
    assert result.touched


def test_a_missed_nodule_and_one_that_fills_no_voxel() -> None:
    missed, unseen = nodule_row(Overlap(0, 0, 10)), nodule_row(Overlap(0, 3, 0))

    results = nodule_results(Judged((missed, unseen), ()), RECORDS, VOXEL_MM3)

    assert [one.dice for one in results] == [0.0, None]
    assert [one.hausdorff_mm for one in results] == [None, None]
    assert [one.hit_probability for one in results] == [None, None]
    assert [one.touched for one in results] == [False, False]
    assert [one.anchor for one in results] == ["nodule-1", "nodule-2"]
    assert results[0].change is None


def test_false_positives_of_eval_by_falling_probability() -> None:
    scans = (
        scan_row(marks=(0.25, 0.75)),
        scan_row(marks=(0.5,), patient="q"),
        scan_row(marks=(0.9,), split="train"),
    )

    marks = wrong_marks(Judged((), scans), RECORDS)

    assert [(one.probability, one.patient_id) for one in marks] == [
        (0.75, "p"),
        (0.5, "q"),
        (0.25, "p"),
    ]
    assert [one.anchor for one in marks] == [f"false-positive-{n}" for n in (1, 2, 3)]


def test_series_without_a_record() -> None:
    with pytest.raises(ValueError, match="expected series series of p of the judged rows"):
        nodule_results(Judged((nodule_row(Overlap(1, 1, 1)),), ()), {}, VOXEL_MM3)


def test_order_by_dice_puts_the_larger_of_equals_first() -> None:
    nodules = [
        nodule(1, dice=0.5),
        nodule(2, dice=0.0, diameter_mm=4.0),
        nodule(3, dice=None),
        nodule(4, dice=0.0, diameter_mm=9.0),
    ]

    assert [one.nodule_id for one in by_dice(nodules)] == ["4", "2", "1"]
