"""Reading of TFMA's folder: one that TFMA wrote, and made-up ones for the corners."""

from pathlib import Path

import pytest

from report.evaluation import read_evaluation, slice_name
from schema.criteria import Criterion, Verdict
from schema.metrics import MetricRow, metric_value
from tests.components.made_evaluation import (
    at_least,
    at_most,
    change_of_at_least,
    eval_config,
    row,
    run_tfma,
    write_evaluation,
)

# Of 7 voxels in one slice 4 are among the 7 predicted.
DICE = 4 / 7
CRITERIA = (
    at_least(0.55),
    change_of_at_least(-0.02),
    at_least(0.55, "3-6"),
    at_least(0.5, "15+"),
)


@pytest.mark.parametrize("has_baseline", [True, False])
def test_folder_that_tfma_wrote(tmp_path: Path, has_baseline: bool) -> None:
    before = (7, 4) if has_baseline else None
    nothing = (0, 0) if has_baseline else None
    rows = [row(7, (7, 4), before, ["3-6"]), row(0, (0, 0), nothing)]
    folder = run_tfma(tmp_path / "evaluation", eval_config(CRITERIA, has_baseline), rows)

    evaluation = read_evaluation(folder, CRITERIA)

    assert metric_value(evaluation.metrics, "pooled_dice", "eval") == pytest.approx(DICE)
    assert metric_value(evaluation.metrics, "precision", "eval", "3-6") == pytest.approx(DICE)
    # Nothing is true or predicted there: undefined.
    assert metric_value(evaluation.metrics, "pooled_dice", "eval", "none") is None
    assert bool(evaluation.last_blessed) is has_baseline
    whole, change, small, missing = evaluation.gate
    assert (whole.verdict, small.verdict) == (Verdict.PASS, Verdict.PASS)
    assert whole.margin == pytest.approx(DICE - 0.55)
    assert (missing.verdict, missing.measured) == (Verdict.FAIL, None)
    assert missing.reason == "no such slice"
    if has_baseline:
        # Both models are the same.
        assert (change.measured, change.verdict) == (0.0, Verdict.PASS)
    else:
        assert (change.measured, change.verdict) == (None, Verdict.NOT_APPLICABLE)


def test_values_with_bounds_and_order_of_rows(tmp_path: Path) -> None:
    figures = {
        ("eval", "15+"): {"pooled_dice": 0.9},
        ("eval", "none"): {"pooled_dice": float("nan")},
        ("eval",): {
            "recall": 0.7,
            "pooled_dice": (0.8, 0.7, 0.9),
            "baseline:pooled_dice": 0.6,
            "diff:pooled_dice": 0.2,
        },
        ("train",): {"pooled_dice": 0.85},
    }
    config = eval_config((at_least(0.5),), baseline=True)

    evaluation = read_evaluation(write_evaluation(tmp_path, config, figures, True), [at_least(0.5)])

    assert evaluation.metrics == (
        MetricRow("train", "all", "pooled_dice", 0.85),
        MetricRow("eval", "all", "pooled_dice", 0.8, 0.7, 0.9),
        MetricRow("eval", "all", "recall", 0.7),
        MetricRow("eval", "15+", "pooled_dice", 0.9),
        MetricRow("eval", "none", "pooled_dice", None),
    )
    assert evaluation.last_blessed == (MetricRow("eval", "all", "pooled_dice", 0.6),)


def test_confidence_interval_beside_the_value(tmp_path: Path) -> None:
    figures = {("eval",): {"interval:pooled_dice": (0.8, 0.75, 0.85)}}
    folder = write_evaluation(tmp_path, eval_config(()), figures, False)

    (row,) = read_evaluation(folder, ()).metrics

    assert (row.value, row.lower, row.upper) == (0.8, 0.75, 0.85)


def test_without_criteria_nothing_passes(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path, eval_config(()), {("eval",): {"recall": 0.9}}, False)

    evaluation = read_evaluation(folder, ())

    assert evaluation.gate == ()
    assert not evaluation.passed


def test_other_splits_are_shown_and_not_judged(tmp_path: Path) -> None:
    criteria = (at_least(0.5), at_least(0.5, "15+"))
    rows = [row(4, (4, 4), buckets=["3-6"]), row(9, (9, 9), buckets=["15+"], split="train")]
    folder = run_tfma(tmp_path, eval_config(criteria), rows)

    evaluation = read_evaluation(folder, criteria)

    assert metric_value(evaluation.metrics, "pooled_dice", "train", "15+") == 1.0
    assert evaluation.gate[1].reason == "no such slice"
    assert not evaluation.passed


def test_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"got no {tmp_path}/eval_config.json"):
        read_evaluation(str(tmp_path), CRITERIA)


@pytest.mark.parametrize("criterion", [at_least(0.5), at_most(0.7)])
@pytest.mark.parametrize("said", [True, False])
def test_disagreement_with_tfma_is_an_error(
    tmp_path: Path, criterion: Criterion, said: bool
) -> None:
    # Inside both bounds where TFMA is said to have refused it, outside where it passed it.
    value = {True: {">=": 0.4, "<=": 0.8}, False: {">=": 0.6, "<=": 0.6}}
    figures = {("eval",): {"pooled_dice": value[said][criterion.comparison.value]}}
    folder = write_evaluation(tmp_path, eval_config((criterion,)), figures, said)

    with pytest.raises(ValueError, match=f"validation_ok={said} from TFMA and here these failed"):
        read_evaluation(folder, (criterion,))


def test_slice_names() -> None:
    assert slice_name(()) == ("all", "all")
    assert slice_name((("split", b"eval"), ("size_buckets", "15+"))) == ("eval", "15+")
    assert slice_name((("size_buckets", "6-8"), ("site", 3))) == ("all", "6-8, site=3")
