"""Criteria held against what was measured."""

import json
import math
from dataclasses import replace

import pytest

from schema.criteria import Criterion
from schema.gate import GateRow, MeasuredRows, Verdict, is_passed, judge
from schema.metrics import Kind, MetricRow, On
from tests.schema.made_criteria import ALL, CHANGE, GAP, HIGH, LOW, NO_WORSE, OF_ROOT, RISE, SURE


def row(
    of: Criterion, value: float | None, lower: float | None = None, upper: float | None = None
) -> MetricRow:
    return MetricRow(of.split, of.bucket, of.metric, value, lower, upper, of.source)


def beside(of: Criterion) -> list[MetricRow]:
    """Figures that a criterion is not about, all of them perfect."""
    perfect = row(of, 1.0, 1.0, 1.0)
    others = ({"split": "train"}, {"bucket": "15+"}, {"metric": "iou"}, {"source": "elsewhere"})
    return [replace(perfect, **other) for other in others]


def measured(of: Criterion, *found: MetricRow) -> MeasuredRows:
    """What a criterion is about where its kind has it, and nothing but other slices elsewhere."""
    rows = {kind: beside(of) for kind in Kind}
    rows[of.kind] += found
    return MeasuredRows(rows[Kind.VALUE], rows[Kind.CHANGE], rows[Kind.GAP])


def judged(criterion: Criterion, *found: MetricRow) -> GateRow:
    (one,) = judge([criterion], measured(criterion, *found))
    return one


@pytest.mark.parametrize(
    ("criterion", "figure", "verdict", "margin"),
    [
        (LOW, 0.75, Verdict.PASS, 0.25),
        (LOW, 0.5, Verdict.PASS, 0.0),
        (LOW, 0.375, Verdict.FAIL, -0.125),
        (HIGH, 0.5, Verdict.PASS, 0.25),
        (HIGH, 0.75, Verdict.PASS, 0.0),
        (HIGH, 0.875, Verdict.FAIL, -0.125),
        (CHANGE, 0.0, Verdict.PASS, 0.03125),
        (CHANGE, -0.03125, Verdict.PASS, 0.0),
        (CHANGE, -0.0625, Verdict.FAIL, -0.03125),
        (RISE, 0.125, Verdict.PASS, 0.0),
        (RISE, 0.25, Verdict.FAIL, -0.125),
        (GAP, -0.5, Verdict.PASS, 0.625),
        (GAP, 0.125, Verdict.PASS, 0.0),
        (GAP, 0.25, Verdict.FAIL, -0.125),
    ],
)
def test_bound_is_inclusive_and_margin_positive_on_the_good_side(
    criterion: Criterion, figure: float, verdict: Verdict, margin: float
) -> None:
    # A criterion on the figure does not look at its interval.
    found = judged(criterion, row(criterion, figure, -9.0, 9.0))

    assert (found.verdict, found.margin, found.measured) == (verdict, margin, figure)
    assert found.reason == ""


@pytest.mark.parametrize(
    ("criterion", "interval", "verdict"),
    [
        (replace(LOW, on=On.LOWER), (0.75, 0.5, 0.875), Verdict.PASS),
        (replace(LOW, on=On.LOWER), (0.75, 0.375, 0.875), Verdict.FAIL),
        (replace(LOW, on=On.UPPER), (0.375, 0.25, 0.5), Verdict.PASS),
        (SURE, (0.5, 0.25, 0.75), Verdict.PASS),
        (SURE, (0.5, 0.25, 0.875), Verdict.FAIL),
        (NO_WORSE, (0.0, -0.03125, 0.25), Verdict.PASS),
        (NO_WORSE, (0.0, -0.0625, 0.25), Verdict.FAIL),
        (replace(GAP, on=On.UPPER), (0.0, -0.25, 0.25), Verdict.FAIL),
    ],
)
def test_on_a_bound_of_the_interval(
    criterion: Criterion, interval: tuple[float, float, float], verdict: Verdict
) -> None:
    found = judged(criterion, row(criterion, *interval))

    assert found.verdict is verdict
    assert found.measured == interval[1 if criterion.on is On.LOWER else 2]


@pytest.mark.parametrize("criterion", ALL)
@pytest.mark.parametrize("figure", [None, math.nan])
def test_undefined_figure_fails(criterion: Criterion, figure: float | None) -> None:
    found = judged(criterion, row(criterion, figure, figure, figure))

    assert (found.verdict, found.measured, found.margin) == (Verdict.FAIL, None, None)
    assert found.reason == "undefined in this slice"
    assert found.shortfall == f"{criterion.text}: undefined in this slice"


@pytest.mark.parametrize("criterion", [SURE, NO_WORSE])
@pytest.mark.parametrize("bound", [None, math.nan])
def test_figure_without_interval_fails_where_its_bound_is_asked_for(
    criterion: Criterion, bound: float | None
) -> None:
    found = judged(criterion, row(criterion, 0.5, bound, bound))

    assert (found.verdict, found.measured) == (Verdict.FAIL, None)
    assert found.reason == "too few patients for an interval"


@pytest.mark.parametrize("criterion", ALL)
def test_slice_that_was_not_measured_fails(criterion: Criterion) -> None:
    found = judged(criterion)

    assert (found.verdict, found.measured, found.reason) == (Verdict.FAIL, None, "no such slice")


@pytest.mark.parametrize("criterion", [CHANGE, RISE, NO_WORSE])
def test_change_without_a_last_blessed_model_is_not_applicable(criterion: Criterion) -> None:
    figures = MeasuredRows([row(criterion, 0.75, 0.5, 1.0)])
    (found,) = judge([criterion], figures)

    assert (found.verdict, found.measured) == (Verdict.NOT_APPLICABLE, None)
    assert found.reason == "no baseline to compare with"
    assert not figures.has_baseline and measured(CHANGE).has_baseline


@pytest.mark.parametrize(
    ("nodules", "verdict", "reason"),
    [
        (3.0, Verdict.PASS, ""),
        (2.0, Verdict.NOT_JUDGED, "2 nodules of at least 3"),
        (0.0, Verdict.NOT_JUDGED, "0 nodules of at least 3"),
        (None, Verdict.NOT_JUDGED, "0 nodules of at least 3"),
    ],
)
@pytest.mark.parametrize("criterion", [HIGH, GAP, CHANGE, OF_ROOT])
def test_with_too_few_nodules_it_is_not_judged(
    criterion: Criterion, nodules: float | None, verdict: Verdict, reason: str
) -> None:
    asked = replace(criterion, min_nodules=3)
    given = measured(asked, row(asked, 0.0))
    here = MetricRow(asked.split, asked.bucket, "nodules", nodules, source=asked.source)
    elsewhere = MetricRow("train", asked.bucket, "nodules", 99.0)

    (found,) = judge([asked], replace(given, values=[elsewhere, here, *given.values]))

    assert (found.verdict, found.reason) == (verdict, reason)
    assert (found.measured is None) is (verdict is Verdict.NOT_JUDGED)


def test_slice_in_which_no_nodules_were_counted_is_not_judged() -> None:
    found = judged(replace(LOW, min_nodules=1), row(LOW, 0.75))

    assert (found.verdict, found.reason) == (Verdict.NOT_JUDGED, "0 nodules of at least 1")


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        ([Verdict.PASS], True),
        ([Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.NOT_JUDGED], True),
        ([Verdict.PASS, Verdict.FAIL], False),
        ([Verdict.NOT_APPLICABLE, Verdict.NOT_JUDGED], False),
        ([], False),
    ],
)
def test_passed_is_what_was_judged_and_missed_nothing(found: list[Verdict], passed: bool) -> None:
    assert is_passed([GateRow(LOW, None, verdict) for verdict in found]) is passed


@pytest.mark.parametrize(
    ("judged_row", "text"),
    [
        (
            GateRow(LOW, 0.375, Verdict.FAIL),
            "pooled Dice, eval split ≥ 0.5: measured 0.375, 0.125 below the bound of 0.500",
        ),
        (
            GateRow(HIGH, 0.875, Verdict.FAIL),
            "voxel recall, eval split, nodules 8–15 mm ≤ 0.75: measured 0.875, "
            "0.125 above the bound of 0.750",
        ),
        (
            GateRow(OF_ROOT, 0.875, Verdict.FAIL),
            "voxel recall, eval split, data root crops, nodules 8–15 mm ≤ 0.75: measured 0.875, "
            "0.125 above the bound of 0.750",
        ),
        (
            GateRow(CHANGE, -0.0625, Verdict.FAIL),
            "change of pooled Dice, eval split against the last blessed model ≥ −0.03125: "
            "measured −0.062, 0.031 below the bound of −0.031",
        ),
        (
            GateRow(GAP, 0.25, Verdict.FAIL),
            "gap of pooled Dice, eval split to the train split ≤ +0.125: measured +0.250, "
            "0.125 above the bound of +0.125",
        ),
        (
            GateRow(LOW, 0.49999, Verdict.FAIL),
            "pooled Dice, eval split ≥ 0.5: measured 0.500, 1e−05 below the bound of 0.500",
        ),
    ],
)
def test_shortfall_in_words(judged_row: GateRow, text: str) -> None:
    assert judged_row.shortfall == text


def test_keys_of_a_row_in_json() -> None:
    failed = GateRow(replace(HIGH, min_nodules=3), 0.875, Verdict.FAIL)

    facts = json.loads(json.dumps(failed.to_json()))

    assert facts == {
        "criterion": "voxel recall, eval split, nodules 8–15 mm ≤ 0.75",
        "split": "eval",
        "bucket": "8-15",
        "metric": "recall",
        "measured": 0.875,
        "bound": 0.75,
        "comparison": "<=",
        "kind": "value",
        "on": "value",
        "min_nodules": 3,
        "source": "all",
        "verdict": "fail",
        "margin": -0.125,
        "reason": "",
    }
    assert GateRow.from_json(facts) == failed
