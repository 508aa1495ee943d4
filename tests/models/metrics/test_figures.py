"""TFMA's metrics without TFMA: what a row counts, and what follows from the counts."""

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_model_analysis.metrics import metric_types

from lungct.figures import COUNTS, FIGURES
from lungct.tally import Tally
from models.metrics.figures import (
    Figures,
    GateMargin,
    JudgedCriteria,
    RowPreprocessor,
    TallyCombiner,
    TallyFigures,
)
from schema.criteria import Criterion
from schema.gate import Verdict, judge_one
from schema.metrics import Kind, On, figure_name
from tests.components.made_evaluation import (
    at_least,
    at_most,
    change_of_at_least,
    nodule_row,
    row,
    scan_row,
)

# Two patients. Candidate: common 3 + 2, predicted 3 + 3, true 4 + 2; baseline: common 1, predicted
# 1 + 1. Pooled Dice 10/12 and 2/8; of `b` alone, in which all nodules of 15 mm are, 4/5 and 0.
ROWS = [
    row(4, (3, 3), (1, 1), ["3-6"], patient="a"),
    row(2, (3, 2), (1, 0), ["15+", "3-6"], patient="b"),
    row(0, (0, 0), (0, 0), ["none"], patient="b"),
    nodule_row(4, (3, 3), (1, 1), bucket="3-6", hit=0.75, patient="a"),
    nodule_row(2, (3, 2), (1, 0), bucket="15+", patient="b"),
    scan_row(4, (3, 3), (1, 1), patient="a"),
    scan_row(2, (3, 2), (1, 0), false_positives=[0.5], patient="b"),
]
# Perfect where it was trained.
TRAINED = [row(4, (4, 4), (4, 4), ["3-6"], split="train", patient=name) for name in "cd"]
ALONE, BOTH = ("candidate",), ("baseline", "candidate")


def extracts(record: bytes) -> dict[str, Any]:
    """What TFMA gives of a row."""
    found = tf.train.Example.FromString(record).features.feature
    kinds = {name: getattr(feature, feature.WhichOneof("kind")) for name, feature in found.items()}
    return {"features": {name: list(kind.value) for name, kind in kinds.items()}}


def tally(rows: Sequence[bytes] = ROWS, models: tuple[str, ...] = ALONE) -> Tally:
    """The rows counted as by one worker."""
    preprocessor, combiner = RowPreprocessor(models), TallyCombiner()
    counted = combiner.create_accumulator()
    for record in rows:
        for one in preprocessor.process(extracts(record)):
            counted = combiner.add_input(counted, one)
    return counted


def result(metric: metric_types.Metric, counted: Tally, models: list[str]) -> dict[str, float]:
    """What a metric makes of counts, without the models' names."""
    first, derived = metric.computations(model_names=models)
    found = derived.result({first.keys[0]: counted})
    return {key.name: value for key, value in found.items() if key.model_name != "baseline"}


def test_only_the_models_that_are_asked_for_are_counted() -> None:
    assert tally().models == {"candidate"}
    assert tally(models=BOTH).models == {"baseline", "candidate"}


def test_rows_without_the_baseline_are_an_error_and_no_pass() -> None:
    preprocessor = RowPreprocessor(BOTH)
    with pytest.raises(ValueError, match="of baseline, got .* in one of series of p; SegmentS"):
        list(preprocessor.process(extracts(row(4, (3, 3)))))


def test_what_is_no_judged_row_is_refused() -> None:
    for nothing in ({}, {"features": {}}, {"features": {"split": [b"eval"]}}):
        with pytest.raises(ValueError, match="expected a judged row, got none of '"):
            list(RowPreprocessor(ALONE).process(nothing))


def test_workers_together_count_what_one_counts() -> None:
    combiner = TallyCombiner()
    parts = [tally(ROWS[:2]), combiner.create_accumulator(), tally(ROWS[2:])]
    (merged,) = combiner.extract_output(combiner.merge_accumulators(parts)).values()
    asked = (Kind.VALUE, "pooled_dice", "eval", "all")
    assert TallyFigures(merged, 50).find(*asked) == TallyFigures(tally(), 50).find(*asked)


# Criteria on the rows above and what becomes of each; None for an undefined margin.
CASES: list[tuple[Criterion, Verdict, float | None]] = [
    (at_least(10 / 12), Verdict.PASS, 0.0),
    (at_least(0.84), Verdict.FAIL, 10 / 12 - 0.84),
    (at_most(0.84), Verdict.PASS, 0.84 - 10 / 12),
    (at_most(0.83), Verdict.FAIL, 0.83 - 10 / 12),
    (at_least(0.81, "15+"), Verdict.FAIL, 0.8 - 0.81),
    (at_least(0.5, "6-8"), Verdict.FAIL, None),  # no such slice
    (at_least(0.1, "none"), Verdict.FAIL, None),  # undefined
    (at_least(0.9, "15+", min_nodules=2), Verdict.NOT_JUDGED, math.inf),
    (at_least(0.79, "15+", min_nodules=1), Verdict.PASS, 0.8 - 0.79),
    (at_least(0.1, "15+", on=On.LOWER), Verdict.FAIL, None),  # one patient
    (at_least(0.8, on=On.LOWER), Verdict.PASS, 0.0),  # of `b` alone 4/5
    (at_most(0.86, on=On.UPPER), Verdict.PASS, 0.86 - 6 / 7),  # of `a` alone 6/7
    (at_most(0.5, metric="false_positives_per_scan"), Verdict.PASS, 0.0),
    (at_least(0.75, metric="lesion_sensitivity"), Verdict.FAIL, -0.25),
    (change_of_at_least(0.1), Verdict.NOT_APPLICABLE, math.inf),
    (at_most(0.2, kind=Kind.GAP), Verdict.PASS, 0.2 - (1 - 10 / 12)),
    (at_most(0.1, kind=Kind.GAP), Verdict.FAIL, 0.1 - (1 - 10 / 12)),
    (at_most(0.5, "15+", kind=Kind.GAP), Verdict.FAIL, None),  # none in the train split
]


@pytest.mark.parametrize(("criterion", "verdict", "margin"), CASES)
def test_judged_without_a_baseline(
    criterion: Criterion, verdict: Verdict, margin: float | None
) -> None:
    counted = tally([*ROWS, *TRAINED])
    assert judge_one(criterion, TallyFigures(counted, 200)).verdict is verdict
    metric = GateMargin("margin", json.dumps(criterion.to_json()), 200)
    expected = math.nan if margin is None else margin
    assert result(metric, counted, [""]) == pytest.approx({"margin": expected}, nan_ok=True)


@pytest.mark.parametrize(
    ("criterion", "verdict"),
    [
        (change_of_at_least(10 / 12 - 2 / 8), Verdict.PASS),
        (change_of_at_least(0.59), Verdict.FAIL),
        (change_of_at_least(0.8, "15+"), Verdict.PASS),
        (change_of_at_least(0.81, "15+"), Verdict.FAIL),
        (change_of_at_least(-1.0, "6-8"), Verdict.FAIL),  # no such slice
        (at_most(0.59, kind=Kind.CHANGE), Verdict.PASS),
        # Of `a` alone 6/7 - 2/5, of `b` alone 4/5.
        (at_least(0.45, kind=Kind.CHANGE, on=On.LOWER), Verdict.PASS),
        (at_least(0.46, kind=Kind.CHANGE, on=On.LOWER), Verdict.FAIL),
        (at_least(0.84), Verdict.FAIL),  # of the candidate, whatever the baseline is
    ],
)
def test_judged_against_a_baseline(criterion: Criterion, verdict: Verdict) -> None:
    counted = tally(models=BOTH)
    assert judge_one(criterion, TallyFigures(counted, 200)).verdict is verdict
    metric = GateMargin("margin", json.dumps(criterion.to_json()), 200)
    (margin,) = result(metric, counted, ["candidate", "baseline"]).values()
    assert (margin >= 0) is (verdict is Verdict.PASS)


@pytest.mark.parametrize(
    ("criteria", "number"),
    [
        ([], 0),
        ([change_of_at_least(-0.1), at_least(0.9, "15+", min_nodules=2)], 0),
        ([at_least(0.84), at_least(0.1, "none"), change_of_at_least(-0.1)], 2),
    ],
)
def test_how_many_criteria_could_be_judged(criteria: list[Criterion], number: int) -> None:
    metric = JudgedCriteria("number", json.dumps([one.to_json() for one in criteria]))
    assert result(metric, tally(), [""]) == {"number": number}


def names(keys: Sequence[str], *kinds: Kind) -> set[str]:
    """Names of figures with both bounds."""
    return {figure_name(key, kind, on) for key in keys for kind in kinds for on in On}


def test_names_of_all_figures() -> None:
    first = result(Figures(50), tally(), [""])
    assert set(first) == {*COUNTS, *names(list(FIGURES), Kind.VALUE)}
    both = result(Figures(50), tally(models=BOTH), ["candidate", "baseline"])
    assert set(both) == {*COUNTS, *names(list(FIGURES), Kind.VALUE, Kind.CHANGE)}
    trained = result(Figures(50), tally([*ROWS, *TRAINED]), [""])
    assert figure_name("pooled_dice", Kind.GAP, On.UPPER) in trained
    assert {figure_name(key, Kind.GAP) for key in FIGURES} <= set(trained)


def test_without_replicates_there_are_no_bounds() -> None:
    assert set(result(Figures(0), tally(), [""])) == {*COUNTS, *FIGURES}


def test_a_name_is_needed_where_there_are_two_models_and_else_none() -> None:
    for models, expected in (([""], {""}), (["candidate", "baseline"], {"candidate", "baseline"})):
        first, derived = Figures(0).computations(model_names=models)
        counted = tally(models=BOTH)
        found = derived.result({first.keys[0]: counted})
        assert {key.model_name for key in found} == expected


def test_all_metrics_share_one_computation() -> None:
    criterion = json.dumps(at_least(0.5).to_json())
    made = (Figures(5), GateMargin("m", criterion, 5), JudgedCriteria("n", f"[{criterion}]"))
    firsts = [metric.computations(model_names=["candidate", "baseline"])[0] for metric in made]
    assert len({first.keys[0] for first in firsts}) == 1
    assert len({first.preprocessors[0].name for first in firsts}) == 1


def test_a_slice_without_rows_was_not_measured() -> None:
    figures = TallyFigures(tally(), 5)
    assert figures.find(Kind.VALUE, "pooled_dice", "test", "all") is None
    assert figures.find(Kind.VALUE, "nodules", "eval", "6-8") is not None  # its scans count
    nodules = figures.find(Kind.VALUE, "nodules", "eval", "15+")
    assert nodules is not None and nodules.value == 1
