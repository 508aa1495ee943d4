"""The gate from the configuration to a verdict of TFMA's own.

The model predicts the truth one column to the right. At 1 mm a column that costs a nodule of 4.2 mm
three of its seven voxels, and one of 24 mm a few of its edge: good overall and bad in one bucket.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow_model_analysis as tfma

from pipeline.config import GateConfig
from pipeline.gate import gate_criteria, slice_thresholds
from report.evaluation import Evaluation, read_evaluation
from schema import features
from schema.criteria import Comparison, Criterion, Kind, Verdict
from schema.metrics import METRICS, metric_value
from tests.components.made_evaluation import (
    at_least,
    at_most,
    change_of_at_least,
    eval_config,
    row,
    run_tfma,
)
from tests.components.made_run import MadeNodule, MadeScan

# In slice 1 alone, and in slices 3 to 11.
SMALL = MadeNodule("1", (1, 30, 30), 4.2, "3-6")
LARGE = MadeNodule("2", (7, 30, 30), 24.0, "15+")
GATE = GateConfig(
    pooled_dice=0.9,
    mean_slice_dice=0.8,
    bucket_pooled_dice={"15+": 0.9, "3-6": 0.6},
    max_drop_against_last_blessed=0.02,
)


SCAN = MadeScan("series", "eval", (SMALL, LARGE))


def rows(candidate: int, baseline: int | None) -> list[bytes]:
    """Rows of models that shift by so many columns."""
    buckets = {1: "3-6", **dict.fromkeys(range(3, 12), "15+")}
    truth, now = SCAN.truth(), SCAN.shifted(candidate)
    before = SCAN.shifted(baseline) if baseline is not None else None
    return [
        row(
            int(truth[z].sum()),
            counts(now[z], truth[z]),
            None if before is None else counts(before[z], truth[z]),
            [buckets.get(z, "none")],
        )
        for z in range(len(truth))
    ]


def counts(prediction: Any, truth: Any) -> tuple[int, int]:
    return int(prediction.sum()), int((prediction & truth).sum())


def evaluate(
    folder: Path, criteria: tuple[Criterion, ...], candidate: int, baseline: int | None = None
) -> Evaluation:
    run_tfma(folder, eval_config(criteria, baseline is not None), rows(candidate, baseline))
    # Raises where TFMA's verdict is another.
    return read_evaluation(str(folder), criteria)


def test_criteria_of_a_configuration_in_order() -> None:
    assert [one.text for one in gate_criteria(GATE)] == [
        "pooled Dice, eval split ≥ 0.9",
        "change of pooled Dice, eval split against the last blessed model ≥ −0.02",
        "mean slice Dice, eval split ≥ 0.8",
        "pooled Dice, eval split, nodules 3–6 mm ≥ 0.6",
        "pooled Dice, eval split, nodules 15+ mm ≥ 0.9",
    ]


def test_no_drop_at_all_can_be_asked_for() -> None:
    gate = GATE.model_copy(update={"max_drop_against_last_blessed": 0.0})

    change = gate_criteria(gate)[1]

    assert change.text.endswith("≥ +0")


def test_lower_is_better_turns_the_bounds_round(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import gate

    lower = replace(METRICS[0], higher_is_better=False)
    monkeypatch.setattr(gate, "POOLED_DICE", lower)

    value, change, *_ = gate_criteria(GATE)

    assert (value.comparison, value.bound) == (Comparison.AT_MOST, 0.9)
    assert (change.comparison, change.bound) == (Comparison.AT_MOST, 0.02)


def test_good_overall_and_bad_in_one_bucket_is_refused(tmp_path: Path) -> None:
    evaluation = evaluate(tmp_path, gate_criteria(GATE), 1)

    assert not tfma.load_validation_result(str(tmp_path)).validation_ok
    assert not evaluation.passed
    failed = [row for row in evaluation.gate if row.verdict is Verdict.FAIL]
    assert [row.criterion.bucket for row in failed] == ["3-6"]
    assert failed[0].measured == pytest.approx(4 / 7)
    overall = metric_value(evaluation.metrics, "pooled_dice", features.SPLIT_EVAL)
    assert overall is not None and overall > 0.9


def test_the_same_model_passes_where_that_bucket_has_no_bound(tmp_path: Path) -> None:
    gate = GATE.model_copy(update={"bucket_pooled_dice": {"15+": 0.9}})

    evaluation = evaluate(tmp_path, gate_criteria(gate), 1)

    assert tfma.load_validation_result(str(tmp_path)).validation_ok
    assert evaluation.passed
    verdicts = {row.criterion.kind: row.verdict for row in evaluation.gate}
    assert verdicts == {Kind.VALUE: Verdict.PASS, Kind.CHANGE: Verdict.NOT_APPLICABLE}


def test_bounds_that_are_just_met_pass_in_tfma_too(tmp_path: Path) -> None:
    criteria = (at_least(4 / 7, "3-6"), at_most(4 / 7, "3-6"), change_of_at_least(0.0))

    evaluation = evaluate(tmp_path, criteria, 1, baseline=1)

    assert [row.margin for row in evaluation.gate] == [0.0, 0.0, 0.0]
    assert evaluation.passed


@pytest.mark.parametrize(
    "criterion",
    [
        at_most(0.5, "3-6"),  # measured 4/7
        at_most(0.9, "8-15"),  # no such slice
        at_least(0.1, "none"),  # undefined
    ],
)
def test_one_missed_criterion_is_missed_in_tfma_too(tmp_path: Path, criterion: Criterion) -> None:
    evaluation = evaluate(tmp_path, (at_least(0.9), criterion), 1)

    assert [row.verdict for row in evaluation.gate] == [Verdict.PASS, Verdict.FAIL]


def test_worse_than_the_last_blessed_is_refused(tmp_path: Path) -> None:
    criteria = (at_least(0.5), change_of_at_least(-0.02))

    evaluation = evaluate(tmp_path, criteria, 2, baseline=1)

    assert [row.verdict for row in evaluation.gate] == [Verdict.PASS, Verdict.FAIL]
    now, before = (
        metric_value(rows, "pooled_dice", "eval")
        for rows in (evaluation.metrics, evaluation.last_blessed)
    )
    assert now is not None and before is not None
    assert evaluation.gate[1].measured == now - before < -0.02


def test_rise_above_the_last_blessed_is_refused_where_it_is_bounded(tmp_path: Path) -> None:
    rise = replace(change_of_at_least(0.02), comparison=Comparison.AT_MOST)

    evaluation = evaluate(tmp_path, (at_least(0.5), rise), 1, baseline=2)

    assert [row.verdict for row in evaluation.gate] == [Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_threshold(kind: Kind) -> None:
    (threshold,) = slice_thresholds([replace(at_least(0.5), kind=kind)], "pooled_dice")

    assert threshold.threshold.ByteSize()


def test_thresholds_go_to_their_metric() -> None:
    criteria = [at_least(0.5), at_least(0.25, metric="recall")]

    (threshold,) = slice_thresholds(criteria, "recall")

    assert threshold.threshold.value_threshold.lower_bound.value == 0.25
    assert dict(threshold.slicing_specs[0].feature_values) == {"split": "eval"}
