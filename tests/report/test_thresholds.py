"""The gate's rows, against made-up evaluations."""

from pathlib import Path
from typing import Any

import pytest
from tensorflow_model_analysis.proto import config_pb2

from report.evaluation import read_evaluation
from report.thresholds import (
    ABSOLUTE,
    AGAINST_BASELINE,
    FAIL,
    NOT_APPLICABLE,
    PASS,
    GateRow,
    metric_label,
    slice_name,
    slice_text,
)
from tests.components.made_run import eval_config, threshold, write_evaluation


def gate(folder: Path, thresholds: Any, figures: Any, ok: bool, baseline: bool) -> list[GateRow]:
    config = eval_config({"PooledDice": thresholds}, baseline)
    return list(read_evaluation(write_evaluation(folder, config, figures, ok)).gate)


@pytest.mark.parametrize(
    ("measured", "verdict", "margin"),
    [(0.75, PASS, 0.25), (0.5, PASS, 0.0), (0.375, FAIL, -0.125), (float("nan"), FAIL, None)],
)
def test_lower_bound(tmp_path: Path, measured: float, verdict: str, margin: float | None) -> None:
    figures = {("eval",): {"pooled_dice": measured}, ("train",): {"pooled_dice": 0.1}}

    (row,) = gate(tmp_path, [threshold(lower=0.5)], figures, verdict == PASS, False)

    assert (row.verdict, row.margin, row.bound, row.kind) == (verdict, margin, 0.5, ABSOLUTE)
    assert row.criterion == "pooled Dice, eval split ≥ 0.5"
    assert row.reason == ("undefined in this slice" if margin is None else "")


def test_upper_bound_has_its_margin_below(tmp_path: Path) -> None:
    figures = {("eval", "8-15"): {"pooled_dice": 0.75}}

    (row,) = gate(tmp_path, [threshold("8-15", upper=0.5)], figures, False, False)

    assert (row.verdict, row.margin, row.comparison) == (FAIL, -0.25, "<=")
    assert row.criterion == "pooled Dice, eval split, nodules 8–15 mm ≤ 0.5"


def test_worse_than_the_last_blessed(tmp_path: Path) -> None:
    figures = {("eval",): {"pooled_dice": 0.75, "diff:pooled_dice": -0.0625}}

    rows = gate(tmp_path, [threshold(lower=0.5, change=-0.03125)], figures, False, True)

    assert [(row.kind, row.verdict) for row in rows] == [
        (ABSOLUTE, PASS),
        (AGAINST_BASELINE, FAIL),
    ]
    assert (rows[1].measured, rows[1].bound, rows[1].margin) == (-0.0625, -0.03125, -0.03125)
    assert rows[1].criterion == (
        "change of pooled Dice, eval split against the last blessed model ≥ −0.03125"
    )


def test_change_where_lower_is_better(tmp_path: Path) -> None:
    bound = threshold(change=0.125)
    bound.threshold.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
    figures = {("eval",): {"diff:pooled_dice": 0.25}}

    (row,) = gate(tmp_path, [bound], figures, False, True)

    assert (row.comparison, row.margin, row.verdict) == ("<=", -0.125, FAIL)


def test_without_last_blessed_an_emptied_bound_is_not_applicable(tmp_path: Path) -> None:
    figures = {("eval",): {"pooled_dice": 0.75}}

    (row,) = gate(tmp_path, [threshold()], figures, True, False)

    assert (row.verdict, row.kind, row.bound) == (NOT_APPLICABLE, AGAINST_BASELINE, None)
    assert row.reason == "no model was blessed before"
    assert row.criterion == "change of pooled Dice, eval split against the last blessed model"


def test_bound_on_every_slice(tmp_path: Path) -> None:
    config = eval_config({})
    metric = config.metrics_specs[0].metrics[0]
    metric.threshold.value_threshold.lower_bound.value = 0.5
    figures = {("train",): {"pooled_dice": 0.75}, ("eval",): {"pooled_dice": 0.25}}

    rows = read_evaluation(write_evaluation(tmp_path, config, figures, False)).gate

    assert [(row.split, row.verdict) for row in rows] == [("train", PASS), ("eval", FAIL)]


def test_bound_on_every_slice_without_any(tmp_path: Path) -> None:
    config = eval_config({})
    metric = config.metrics_specs[0].metrics[0]
    metric.threshold.value_threshold.lower_bound.value = 0.5

    (row,) = read_evaluation(write_evaluation(tmp_path, config, {}, False)).gate

    assert (row.split, row.bucket, row.reason) == ("all", "all", "no such slice")


def test_relative_change_is_refused(tmp_path: Path) -> None:
    bound = threshold(change=-0.1)
    bound.threshold.change_threshold.relative.value = 0.1

    with pytest.raises(ValueError, match="expected an absolute change threshold on pooled_dice"):
        gate(tmp_path, [bound], {("eval",): {"pooled_dice": 0.5}}, True, True)


def test_bound_across_slices_is_refused(tmp_path: Path) -> None:
    config = eval_config({})
    across = config.metrics_specs[0].metrics[0].cross_slice_thresholds.add()
    across.cross_slicing_specs.add(baseline_spec={}, slicing_specs=[{}])
    across.threshold.value_threshold.lower_bound.value = 0.5
    figures = {("eval",): {"pooled_dice": 0.5}}

    with pytest.raises(ValueError, match="expected a threshold on slices, got"):
        read_evaluation(write_evaluation(tmp_path, config, figures, True))


def test_slice_names() -> None:
    assert slice_name(()) == ("all", "all")
    assert slice_name((("split", b"eval"), ("size_buckets", "15+"))) == ("eval", "15+")
    assert slice_name((("size_buckets", "6-8"), ("site", 3))) == ("all", "6-8, site=3")


@pytest.mark.parametrize(
    ("split", "bucket", "text"),
    [
        ("all", "all", "all splits"),
        ("eval", "15+", "eval split, nodules 15+ mm"),
        ("train", "none", "train split, slices without nodule"),
        ("eval", "site=3", "eval split, site=3"),
    ],
)
def test_slice_in_words(split: str, bucket: str, text: str) -> None:
    assert slice_text(split, bucket) == text


def test_label_of_a_metric_without_one() -> None:
    assert metric_label("nodule_slices") == "nodule slices"
