"""Criteria in words, as JSON, and judged by the rules of TFMA."""

import json
from dataclasses import replace

import pytest

from schema.criteria import (
    Comparison,
    Criterion,
    GateRow,
    Kind,
    Verdict,
    criteria_from_json,
    criteria_to_json,
    is_passed,
    judge,
)
from schema.metrics import MetricRow

NAN = float("nan")
LOW = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.5)
HIGH = Criterion("recall", "eval", "8-15", Comparison.AT_MOST, 0.75)
CHANGE = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, -0.03125, Kind.CHANGE)
RISE = replace(CHANGE, comparison=Comparison.AT_MOST, bound=0.125)


def measured(value: float | None, of: Criterion = LOW) -> list[MetricRow]:
    """The figure that a criterion is about, and one beside it that no criterion is about."""
    return [
        MetricRow("train", of.bucket, of.metric, 0.0),
        MetricRow(of.split, of.bucket, of.metric, value),
    ]


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        (LOW, "pooled Dice, eval split ≥ 0.5"),
        (HIGH, "voxel recall, eval split, nodules 8–15 mm ≤ 0.75"),
        (CHANGE, "change of pooled Dice, eval split against the last blessed model ≥ −0.03125"),
        (RISE, "change of pooled Dice, eval split against the last blessed model ≤ +0.125"),
    ],
)
def test_in_words(criterion: Criterion, text: str) -> None:
    assert criterion.text == text


@pytest.mark.parametrize(
    ("criterion", "figure", "verdict", "margin"),
    [
        (LOW, 0.75, Verdict.PASS, 0.25),
        (LOW, 0.5, Verdict.PASS, 0.0),
        (LOW, 0.375, Verdict.FAIL, -0.125),
        (HIGH, 0.5, Verdict.PASS, 0.25),
        (HIGH, 0.75, Verdict.PASS, 0.0),
        (HIGH, 0.875, Verdict.FAIL, -0.125),
    ],
)
def test_bound_is_inclusive_and_margin_positive_on_the_good_side(
    criterion: Criterion, figure: float, verdict: Verdict, margin: float
) -> None:
    (row,) = judge([criterion], measured(figure, criterion), None)

    assert (row.verdict, row.margin, row.measured, row.reason) == (verdict, margin, figure, "")


@pytest.mark.parametrize("criterion", [LOW, HIGH])
@pytest.mark.parametrize("figure", [None, NAN])
def test_undefined_figure_fails(criterion: Criterion, figure: float | None) -> None:
    (row,) = judge([criterion], measured(figure, criterion), None)

    assert (row.verdict, row.measured, row.margin) == (Verdict.FAIL, None, None)
    assert row.reason == "undefined in this slice"
    assert row.shortfall == f"{criterion.text}: undefined in this slice"


@pytest.mark.parametrize("criterion", [LOW, HIGH])
def test_bucket_that_was_not_measured_fails(criterion: Criterion) -> None:
    elsewhere = replace(criterion, bucket="15+")

    (row,) = judge([elsewhere], measured(0.5, criterion), None)

    assert (row.verdict, row.reason) == (Verdict.FAIL, "no such slice")


@pytest.mark.parametrize(
    ("criterion", "now", "verdict", "margin"),
    [
        (CHANGE, 0.75, Verdict.PASS, 0.03125),
        (CHANGE, 0.71875, Verdict.PASS, 0.0),
        (CHANGE, 0.6875, Verdict.FAIL, -0.03125),
        (RISE, 0.875, Verdict.PASS, 0.0),
        (RISE, 1.0, Verdict.FAIL, -0.125),
    ],
)
def test_change_against_the_last_blessed_model(
    criterion: Criterion, now: float, verdict: Verdict, margin: float
) -> None:
    (row,) = judge([criterion], measured(now), measured(0.75))

    assert (row.verdict, row.margin, row.measured) == (verdict, margin, now - 0.75)


def test_change_without_a_last_blessed_model_is_not_applicable() -> None:
    (row,) = judge([CHANGE], measured(0.75), None)

    assert (row.verdict, row.measured) == (Verdict.NOT_APPLICABLE, None)
    assert row.reason == "no model was blessed before"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (measured(None), "undefined in this slice for the last blessed model"),
        ([], "no such slice for the last blessed model"),
    ],
)
def test_change_against_nothing_fails(before: list[MetricRow], reason: str) -> None:
    (row,) = judge([CHANGE], measured(0.75), before)

    assert (row.verdict, row.measured, row.reason) == (Verdict.FAIL, None, reason)


def test_passed_is_what_was_applied_and_missed_nothing() -> None:
    rows = judge([LOW, CHANGE], measured(0.75), None)

    assert is_passed(rows)
    assert not is_passed([*rows, *judge([HIGH], [], None)])
    assert not is_passed(rows[1:])  # not applicable alone
    assert not is_passed([])


@pytest.mark.parametrize(
    ("row", "text"),
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
            GateRow(CHANGE, -0.0625, Verdict.FAIL),
            "change of pooled Dice, eval split against the last blessed model ≥ −0.03125: "
            "measured −0.062, 0.031 below the bound of −0.031",
        ),
        (
            GateRow(LOW, 0.49999, Verdict.FAIL),
            "pooled Dice, eval split ≥ 0.5: measured 0.500, 1e−05 below the bound of 0.500",
        ),
    ],
)
def test_shortfall_in_words(row: GateRow, text: str) -> None:
    assert row.shortfall == text


def test_json_there_and_back() -> None:
    criteria = (LOW, HIGH, CHANGE, RISE)

    assert criteria_from_json(criteria_to_json(criteria)) == criteria


def test_keys_of_a_row_in_json() -> None:
    row = GateRow(HIGH, 0.875, Verdict.FAIL)

    facts = json.loads(json.dumps(row.to_json()))

    assert facts == {
        "criterion": "voxel recall, eval split, nodules 8–15 mm ≤ 0.75",
        "split": "eval",
        "bucket": "8-15",
        "metric": "recall",
        "measured": 0.875,
        "bound": 0.75,
        "comparison": "<=",
        "kind": "absolute",
        "verdict": "fail",
        "margin": -0.125,
        "reason": "",
    }
    assert GateRow.from_json(facts) == row


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"metric": "dice"}, "expected one of the metrics .*, got 'dice'"),
        ({"split": "monitor"}, "expected a split of .*, got 'monitor'"),
        ({"bucket": "9-15"}, "expected a bucket of .*, got '9-15'"),
        ({"bound": NAN}, "expected a finite bound on pooled_dice, got nan"),
        ({"comparison": ">"}, "'>' is not a valid Comparison"),
        ({"kind": "relative"}, "'relative' is not a valid Kind"),
    ],
)
def test_wrong_criteria_are_refused(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Criterion.from_json({**LOW.to_json(), **changed})


def test_criterion_that_lacks_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got none of \['split', .*'kind'\]: .*recall"):
        Criterion.from_json({"metric": "recall"})


@pytest.mark.parametrize("text", ["{}", "[1]"])
def test_json_that_is_no_list_of_criteria_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a JSON list of criteria, got"):
        criteria_from_json(text)
