"""The report's facts as JSON."""

import json

from report.content import Making, ReportContent, sum_up_nodules, to_json
from report.evaluation import Evaluation
from report.nodules import NoduleResult
from report.scans import SpacingRange, sum_up
from schema.criteria import GateRow, Verdict
from schema.metrics import MetricRow
from tests.components.made_evaluation import at_least


def result(dice: float | None, overlap: int, split: str = "eval") -> NoduleResult:
    return NoduleResult("a", "p", split, True, "1", 5.0, "3-6", dice, 7, 7, overlap)


def content(*nodules: NoduleResult) -> ReportContent:
    row = GateRow(at_least(0.5, "15+"), None, Verdict.FAIL, "no such slice")
    metrics = (MetricRow("eval", "all", "pooled_dice", float("nan")),)
    return ReportContent(
        name="run",
        blessed=False,
        data=sum_up((), ()),
        evaluation=Evaluation(metrics, (), (row,)),
        nodules=nodules,
        pictures=(),
        history=None,
        making=Making("{}", "c0ffee", 0.5, "2026-01-01T00:00:00+00:00"),
    )


def test_nodules_summed_up() -> None:
    summary = sum_up_nodules([result(0.2, 1), result(0.0, 0), result(0.9, 5), result(None, 0)])

    assert (summary.nodules, summary.measured, summary.touched) == (4, 3, 2)
    assert summary.median_dice == 0.2


def test_no_nodules() -> None:
    assert sum_up_nodules([]).median_dice is None


def test_only_missed_criteria_are_failed_and_only_eval_nodules_count() -> None:
    one = content(result(0.5, 3), result(0.9, 3, split="train"))

    assert [row.criterion.bucket for row in one.failed] == ["15+"]
    assert [nodule.dice for nodule in one.eval_nodules] == [0.5]


def test_json_has_null_for_what_is_undefined() -> None:
    facts = json.loads(json.dumps(to_json(content(result(None, 0))), allow_nan=False))

    assert facts["metrics"][0]["value"] is None
    assert facts["nodules"][0]["dice"] is None
    assert facts["history"] is None
    assert facts["version"] == 1


def test_json_spacing_by_axis() -> None:
    one = content()
    object.__setattr__(one.data, "spacing", (SpacingRange("z", 1.0, 2.0, 3.0),))

    assert to_json(one)["data"]["spacing_mm"] == {"z": {"min": 1.0, "median": 2.0, "max": 3.0}}
