"""Reading of TFMA's folder: one that TFMA wrote, and made-up ones for the corners."""

from dataclasses import replace
from pathlib import Path

import pytest

from report.evaluation import read_evaluation, slice_name
from schema.criteria import Criterion
from schema.gate import Verdict
from schema.metrics import Kind, MetricRow, On, find_row, metric_value
from tests.components.made_evaluation import (
    at_least,
    at_most,
    change_of_at_least,
    eval_config,
    nodule_row,
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
    at_least(0.9, "3-6", min_nodules=1),
)


@pytest.mark.parametrize("has_baseline", [True, False])
def test_folder_that_tfma_wrote(tmp_path: Path, has_baseline: bool) -> None:
    before = (7, 4) if has_baseline else None
    nothing = (0, 0) if has_baseline else None
    rows = [
        row(7, (7, 4), before, ["3-6"], patient="a"),
        row(0, (0, 0), nothing, patient="b"),
        row(5, (5, 5), nothing, split="train", patient="c"),
    ]
    folder = run_tfma(tmp_path / "evaluation", eval_config(CRITERIA, has_baseline), rows)

    evaluation = read_evaluation(folder, CRITERIA)

    assert metric_value(evaluation.metrics, "pooled_dice", "eval") == pytest.approx(DICE)
    assert metric_value(evaluation.metrics, "precision", "eval", "3-6") == pytest.approx(DICE)
    assert metric_value(evaluation.metrics, "patients", "eval") == 2
    # Nothing is true or predicted there: undefined.
    assert metric_value(evaluation.metrics, "pooled_dice", "eval", "none") is None
    assert metric_value(evaluation.gaps, "pooled_dice", "eval") == pytest.approx(1 - DICE)
    assert bool(evaluation.last_blessed) is has_baseline
    whole, change, small, missing, few = evaluation.gate
    assert (whole.verdict, small.verdict) == (Verdict.PASS, Verdict.PASS)
    assert whole.margin == pytest.approx(DICE - 0.55)
    assert (missing.verdict, missing.measured) == (Verdict.FAIL, None)
    assert missing.reason == "no such slice"
    assert (few.verdict, few.reason) == (Verdict.NOT_JUDGED, "0 nodules of at least 1")
    if has_baseline:
        # Both models are the same.
        assert (change.measured, change.verdict) == (0.0, Verdict.PASS)
    else:
        assert evaluation.changes is None
        assert (change.measured, change.verdict) == (None, Verdict.NOT_APPLICABLE)


def test_figures_with_bounds_changes_and_gaps_in_order(tmp_path: Path) -> None:
    figures = {
        ("eval", "15+"): {"pooled_dice": 0.9, "false_positives_per_scan": 3.0, "nodules": 4.0},
        ("eval", "none"): {"pooled_dice": float("nan")},
        ("eval",): {
            **{"recall": 0.7, "pooled_dice_lower": 0.7, "pooled_dice": 0.8},
            **{"pooled_dice_upper": 0.9, "baseline:pooled_dice": 0.6, "diff:pooled_dice": 0.2},
            **{"pooled_dice_change": 0.2, "pooled_dice_change_lower": 0.1},
            **{"pooled Dice, eval split ≥ 0.5": 0.3, "example_count": 5.0},
        },
        ("train",): {"pooled_dice": 0.85},
        # A gap is found in the slice of both splits together.
        (): {"pooled_dice_gap": 0.05, "pooled_dice": 0.82},
        (None, "15+"): {"pooled_dice_gap": 0.07},
    }
    config = eval_config((at_least(0.5),), baseline=True)

    evaluation = read_evaluation(write_evaluation(tmp_path, config, figures, True), [at_least(0.5)])

    assert evaluation.metrics == (
        MetricRow("all", "all", "pooled_dice", 0.82),
        MetricRow("train", "all", "pooled_dice", 0.85),
        MetricRow("eval", "all", "pooled_dice", 0.8, 0.7, 0.9),
        MetricRow("eval", "all", "recall", 0.7),
        # False positives have no size, so that those of a bucket mean nothing; counts do.
        MetricRow("eval", "15+", "pooled_dice", 0.9),
        MetricRow("eval", "15+", "nodules", 4.0),
        MetricRow("eval", "none", "pooled_dice", None),
    )
    assert evaluation.last_blessed == (MetricRow("eval", "all", "pooled_dice", 0.6),)
    assert evaluation.changes == (MetricRow("eval", "all", "pooled_dice", 0.2, 0.1),)
    assert evaluation.gaps == (
        MetricRow("eval", "all", "pooled_dice", 0.05),
        MetricRow("eval", "15+", "pooled_dice", 0.07),
    )


def test_criteria_on_bounds_and_gaps_are_judged(tmp_path: Path) -> None:
    criteria = (
        at_least(0.75, on=On.LOWER),
        at_most(0.1, kind=Kind.GAP),
        at_most(0.02, "15+", kind=Kind.GAP),
    )
    figures = {
        ("eval",): {"pooled_dice": 0.8, "pooled_dice_lower": 0.7},
        (): {"pooled_dice_gap": 0.05},
        (None, "15+"): {"pooled_dice_gap": 0.02},
    }

    folder = write_evaluation(tmp_path, eval_config(criteria), figures, False)
    rows = read_evaluation(folder, criteria).gate

    assert [row.verdict for row in rows] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]
    assert [row.measured for row in rows] == [0.7, 0.05, 0.02]


def test_rows_can_be_looked_up_by_kind(tmp_path: Path) -> None:
    figures = {("eval",): {"pooled_dice": 0.8, "pooled_dice_change": 0.25}}
    folder = write_evaluation(tmp_path, eval_config((), baseline=True), figures, False)

    measured = read_evaluation(folder, ()).measured

    change = measured.find(Kind.CHANGE, "pooled_dice", "eval", "all")
    assert change is not None and change.value == 0.25
    assert measured.find(Kind.GAP, "pooled_dice", "eval", "all") is None


def test_without_criteria_nothing_passes(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path, eval_config(()), {("eval",): {"recall": 0.9}}, False)

    evaluation = read_evaluation(folder, ())

    assert evaluation.gate == ()
    assert not evaluation.passed


def test_other_data_roots_are_shown(tmp_path: Path) -> None:
    rows = [row(4, (4, 4), buckets=["3-6"]), row(9, (9, 9), buckets=["15+"], split="train")]
    folder = run_tfma(tmp_path, eval_config((at_least(0.5),)), rows)

    evaluation = read_evaluation(folder, (at_least(0.5),))

    found = find_row(evaluation.metrics, "pooled_dice", "train", source="made up")
    assert found is not None and found.value == 1.0


def test_criteria_on_a_data_root_are_judged_as_tfma_judged_them(tmp_path: Path) -> None:
    # Pooled Dice of each patient 1, but 2 / 6 of one in `b`; its train split 1.
    rows = [
        row(4, (4, 4), buckets=["3-6"], patient="p", source="a"),
        row(4, (4, 4), buckets=["15+"], patient="q", source="b"),
        row(4, (2, 1), buckets=["3-6"], patient="r", source="b"),
        row(4, (4, 4), buckets=["3-6"], patient="s", source="b", split="train"),
        nodule_row(4, (2, 1), bucket="3-6", patient="r", source="b"),
    ]
    criteria = (
        at_least(0.9, source="a"),
        at_least(0.5, "15+", source="b"),
        at_least(0.5, "3-6", source="b", min_nodules=1),
        at_least(0.5, "3-6", source="b", min_nodules=2),
        at_most(0.5, "3-6", source="b", kind=Kind.GAP, min_nodules=1),
        replace(at_least(0.5, source="b"), split="all"),
        replace(at_least(0.5, "3-6", source="b"), split="all"),
        at_least(0.5, source="c"),
    )

    evaluation = read_evaluation(run_tfma(tmp_path, eval_config(criteria), rows), criteria)

    assert [one.measured for one in evaluation.gate] == [
        *(1.0, 1.0, pytest.approx(1 / 3), None, pytest.approx(2 / 3)),
        *(pytest.approx(2 * 9 / 22), pytest.approx(2 * 5 / 14), None),
    ]
    fail, met = Verdict.FAIL, Verdict.PASS
    assert [one.verdict for one in evaluation.gate] == [
        *(met, met, fail, Verdict.NOT_JUDGED, fail, met, met, fail),
    ]
    assert evaluation.gate[-1].reason == "no such slice"


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
    assert slice_name(()) == ("all", "all", "all")
    key = (("split", b"eval"), ("source", b"crops"), ("size_buckets", "15+"))
    assert slice_name(key) == ("eval", "15+", "crops")
    assert slice_name((("size_buckets", "6-8"), ("site", 3))) == ("all", "6-8, site=3", "all")
