"""Two runs side by side, with figures worked out by hand."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from lungct.metrics import Overlap
from lungct.tally import Tally
from runner.comparison import (
    ComparedFigure,
    Comparison,
    SplitPatients,
    changed_settings,
    compare,
)
from schema import features
from schema.judged import (
    Calibration,
    FalsePositive,
    Place,
    ScanFigures,
    ScanRow,
    SliceRow,
    tally_rows,
)
from schema.metrics import find_metric

# Common, predicted and true voxels of a slice.
GOOD, POOR = Overlap(9, 10, 10), Overlap(5, 10, 10)


def place(patient: str, *buckets: str, split: str = "eval") -> Place:
    return Place(split, f"scan of {patient}", patient, "made up", buckets)


def judged(slices: Mapping[str, Overlap], split: str = "eval", bucket: str = "8-15") -> Tally:
    """A slice of each patient."""
    rows = [
        SliceRow(place(patient, bucket, split=split), 0, {features.CANDIDATE: overlap})
        for patient, overlap in slices.items()
    ]
    return tally_rows(rows)


def scan(patient: str, false_positives: int) -> ScanRow:
    marks = tuple(FalsePositive((0.0, 0.0, 0.0), 0.75) for _ in range(false_positives))
    figures = ScanFigures(GOOD, marks, Calibration((1,), (1,)))
    return ScanRow(place(patient, *features.BUCKETS), {features.CANDIDATE: figures})


def find(found: Comparison, metric: str, bucket: str = "all", split: str = "eval") -> Any:
    (one,) = [
        figure
        for figure in found.figures
        if (figure.metric.key, figure.bucket, figure.split) == (metric, bucket, split)
    ]
    return one


def test_figures_are_of_the_patients_that_both_judged() -> None:
    a = judged({"p1": POOR, "p2": POOR, "p3": GOOD})
    b = judged({"p1": GOOD, "p2": GOOD, "p4": POOR, "p5": POOR})
    found = compare(a, b, replicates=50)
    assert found.patients == (SplitPatients("eval", 2, only_a=1, only_b=2, other_truth=0),)
    pooled = find(found, "pooled_dice")
    # 2 · 10 / 40 and 2 · 18 / 40; p3, p4 and p5 would change both.
    assert (pooled.a, pooled.b) == (0.5, 0.9)
    # Both patients differ alike, so that every draw gives the same.
    assert pooled.change == pooled.lower == pooled.upper == pytest.approx(0.4)
    assert pooled.verdict == "better"
    assert find(found, "pooled_dice", "8-15").change == pooled.change


def test_buckets_without_a_row_are_left_out() -> None:
    tally = judged({"p1": GOOD, "p2": GOOD})
    found = compare(tally, tally, 10)
    assert {figure.bucket for figure in found.figures} == {"all", "8-15"}


def test_a_run_with_itself_has_no_difference() -> None:
    tally = judged({"p1": GOOD, "p2": POOR, "p3": GOOD})
    found = compare(tally, tally, replicates=50)
    assert found.figures
    assert not any(figure.differs or figure.verdict for figure in found.figures)


def test_fewer_false_positives_are_better() -> None:
    a = tally_rows([scan("p1", 3), scan("p2", 3)])
    b = tally_rows([scan("p1", 1), scan("p2", 1)])
    figure = find(compare(a, b, replicates=50), "false_positives_per_scan")
    assert (figure.a, figure.b, figure.change) == (3.0, 1.0, -2.0)
    assert figure.verdict == "better"
    back = compare(b, a, replicates=50)
    assert find(back, "false_positives_per_scan").verdict == "worse"
    # False positives have no size, so that they are of no bucket.
    assert {one.bucket for one in back.figures if not one.metric.by_bucket} == {"all"}


def test_an_interval_that_holds_0_gives_no_verdict() -> None:
    # One patient better, one worse: draws of p1 alone and of p2 alone lie on either side.
    a, b = judged({"p1": GOOD, "p2": POOR}), judged({"p1": POOR, "p2": GOOD})
    figure = find(compare(a, b, replicates=100), "mean_slice_dice")
    assert figure.differs is False and figure.change == 0
    assert figure.lower == pytest.approx(-0.4) and figure.upper == pytest.approx(0.4)
    assert figure.verdict == ""


def test_one_patient_has_a_difference_but_no_interval() -> None:
    figure = find(compare(judged({"p": GOOD}), judged({"p": POOR}), 50), "pooled_dice")
    assert figure.change == pytest.approx(-0.4)
    assert math.isnan(figure.lower) and figure.verdict == ""


def test_a_patient_in_another_split_is_not_compared() -> None:
    found = compare(judged({"p1": GOOD}), judged({"p1": GOOD}, split="train"), 10)
    assert found.figures == ()
    assert found.patients == (
        SplitPatients("train", 0, only_a=0, only_b=1, other_truth=0),
        SplitPatients("eval", 0, only_a=1, only_b=0, other_truth=0),
    )


def test_another_truth_is_counted_and_rows_of_one_run_alone_are_kept() -> None:
    # On another working grid p1 has 12 true voxels; p2's nodule is in another bucket.
    a = judged({"p1": GOOD, "p2": GOOD})
    b = judged({"p1": Overlap(9, 10, 12)})
    b.merge([judged({"p2": GOOD}, bucket="15+")])
    found = compare(a, b, replicates=0)
    assert found.patients == (SplitPatients("eval", 2, 0, 0, other_truth=1),)
    assert find(found, "pooled_dice", "8-15").b == pytest.approx(18 / 22)
    large = find(found, "pooled_dice", "15+")
    assert math.isnan(large.a) and large.b == 0.9 and large.differs


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [(0.0, 0.5, ""), (-0.5, 0.0, ""), (0.25, 0.5, "better"), (-0.5, -0.25, "worse")],
)
def test_a_verdict_needs_an_interval_on_one_side_of_0(
    lower: float, upper: float, verdict: str
) -> None:
    metric = find_metric("pooled_dice")
    figure = ComparedFigure("eval", "all", metric, 0.5, 0.75, 0.25, lower, upper)
    assert figure.verdict == verdict


def test_settings_that_differ_are_named_with_both_values() -> None:
    a = {"name": "x", "training": {"epochs": 3, "seed": 1}, "split": {"fold": None}}
    b = {"name": "x", "training": {"epochs": 4, "seed": 1}, "model": {"levels": 2}}
    assert changed_settings(a, b) == {"training.epochs": (3, 4), "model.levels": (None, 2)}
    assert changed_settings(a, a) == {}
