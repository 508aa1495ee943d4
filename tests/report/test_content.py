"""The report's facts as JSON."""

import json

from report.agreement import Agreement
from report.calibration import CalibrationBin
from report.content import sum_up_nodules, to_json
from report.scans import SpacingRange
from schema.gate import GateRow, Verdict
from schema.metrics import MetricRow
from tests.components.made_evaluation import at_least
from tests.report.facts import MARK, content, evaluation, nodule


def test_nodules_summed_up() -> None:
    summary = sum_up_nodules(
        [
            nodule(dice=0.2),
            nodule(dice=0.0, touched=False),
            nodule(dice=0.9),
            nodule(dice=None, touched=False),
        ]
    )

    assert (summary.nodules, summary.measured, summary.touched) == (4, 3, 2)
    assert summary.median_dice == 0.2


def test_no_nodules() -> None:
    assert sum_up_nodules([]).median_dice is None


def test_criteria_by_verdict_and_nodules_of_eval() -> None:
    row = GateRow(at_least(0.5, "15+"), None, Verdict.FAIL, "no such slice")
    other = GateRow(at_least(0.5), 0.75, Verdict.PASS)
    one = content(
        evaluation=evaluation(gate=(row, other)),
        nodules=(nodule(1, dice=0.5), nodule(2, split="train")),
    )

    assert one.gate_rows(Verdict.FAIL) == (row,)
    assert one.gate_rows(Verdict.NOT_JUDGED) == ()
    assert [one.nodule_id for one in one.findings.eval_nodules] == ["1"]


def test_json_has_null_for_what_is_undefined() -> None:
    one = content(
        MetricRow("eval", "all", "pooled_dice", float("nan")), nodules=(nodule(dice=None),)
    )

    facts = json.loads(json.dumps(to_json(one), allow_nan=False))

    assert facts["metrics"][0]["value"] is None
    assert facts["nodules"][0]["dice"] is None
    assert facts["history"] is None
    assert facts["changes"] is None
    assert facts["version"] == 3


def test_json_holds_what_follows_from_the_rows() -> None:
    one = content(
        evaluation=evaluation(
            changes=(MetricRow("eval", "all", "pooled_dice", 0.25, 0.125, 0.5),),
            gaps=(MetricRow("eval", "all", "pooled_dice", 0.5),),
        ),
        nodules=(nodule(),),
        wrong=(MARK,),
        calibration=(CalibrationBin(0.0, 1.0, 10, 1, None, None),),
        agreement=Agreement(2, 1, 1.0, 0.5, 2.0),
    )

    facts = json.loads(json.dumps(to_json(one), allow_nan=False))

    assert (facts["changes"][0]["value"], facts["changes"][0]["lower"]) == (0.25, 0.125)
    assert facts["gaps"][0]["value"] == 0.5
    assert facts["nodules"][0]["surface_dice"] == 0.75
    assert facts["false_positives"][0]["probability"] == 0.75
    assert facts["calibration"][0]["true_voxels"] == 1
    assert facts["volume_agreement"]["missed"] == 1


def test_json_spacing_by_axis() -> None:
    one = content()
    object.__setattr__(one.data, "spacing", (SpacingRange("z", 1.0, 2.0, 3.0),))

    assert to_json(one)["data"]["spacing_mm"] == {"z": {"min": 1.0, "median": 2.0, "max": 3.0}}
