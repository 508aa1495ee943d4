"""Reading of TFMA's folder: one that TFMA wrote, and made-up ones for the corners."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
from apache_beam import Create, Pipeline
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.utils import config_util
from tfx_bsl.tfxio.tf_example_record import TFExampleBeamRecord

from report.evaluation import Evaluation, MetricRow, metric_value, read_evaluation
from report.thresholds import ABSOLUTE, AGAINST_BASELINE, FAIL, NOT_APPLICABLE, PASS
from schema import features
from tests.components.made_run import (
    MadeNodule,
    MadeScan,
    eval_config,
    save_model,
    threshold,
    with_slicing_features,
    write_evaluation,
)

# A ball of 7 voxels in one slice; the model shifts it by one column, 4 of 7 overlap.
SMALL = MadeNodule("1", (5, 30, 30), 4.2, "3-6")
DICE = 4 / 7


def run_tfma(folder: Path, config: Any, has_baseline: bool) -> Evaluation:
    """Runs TFMA as TFX's Evaluator does, on one slice with a nodule and one without."""
    slices = MadeScan("series", "eval", (SMALL,)).examples()[5:7]
    examples = [
        with_slicing_features(slices[0], "eval", "3-6"),
        with_slicing_features(slices[1], "eval", "none"),
    ]
    model = save_model(folder / "model")
    config = config_util.update_eval_config_with_defaults(
        config, has_baseline=has_baseline, rubber_stamp=True
    )
    models = [
        tfma.default_eval_shared_model(model, model_name=spec.name, eval_config=config)
        for spec in config.model_specs
    ]
    with Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | Create(examples)
            | TFExampleBeamRecord(
                physical_format="inmem",
                telemetry_descriptors=["test"],
                raw_record_column_name=constants.ARROW_INPUT_COLUMN,
            ).BeamSource()
            | tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=models if has_baseline else models[0],
                eval_config=config,
                output_path=str(folder / "evaluation"),
            )
        )
    return read_evaluation(str(folder / "evaluation"))


@pytest.mark.parametrize("has_baseline", [True, False])
def test_folder_that_tfma_wrote(tmp_path: Path, has_baseline: bool) -> None:
    thresholds = [
        threshold(lower=0.55),
        threshold(change=-0.02),
        threshold("3-6", lower=0.55),
        threshold("15+", lower=0.5),
    ]
    config = eval_config({"PooledDice": thresholds}, baseline=True)

    evaluation = run_tfma(tmp_path, config, has_baseline)

    assert metric_value(evaluation.metrics, "pooled_dice", "eval") == pytest.approx(DICE)
    assert metric_value(evaluation.metrics, "precision", "eval", "3-6") == pytest.approx(DICE)
    # Nothing is true or predicted there: undefined.
    assert metric_value(evaluation.metrics, "pooled_dice", "eval", "none") is None
    assert bool(evaluation.baseline) is has_baseline
    rows = {(row.kind, row.bucket): row for row in evaluation.gate}
    assert rows[ABSOLUTE, "all"].verdict == PASS
    assert rows[ABSOLUTE, "all"].margin == pytest.approx(DICE - 0.55)
    assert rows[ABSOLUTE, "3-6"].verdict == PASS
    missing = rows[ABSOLUTE, "15+"]
    assert (missing.verdict, missing.measured, missing.reason) == (FAIL, None, "no such slice")
    change = rows[AGAINST_BASELINE, "all"]
    if has_baseline:
        # Both models are the same.
        assert (change.measured, change.bound, change.verdict) == (0.0, -0.02, PASS)
    else:
        assert (change.measured, change.bound, change.verdict) == (None, None, NOT_APPLICABLE)


def test_values_with_bounds_and_order_of_rows(tmp_path: Path) -> None:
    figures = {
        ("eval", "15+"): {"pooled_dice": 0.9},
        ("eval", "none"): {"pooled_dice": float("nan")},
        ("eval",): {"recall": 0.7, "pooled_dice": (0.8, 0.7, 0.9), "baseline:pooled_dice": 0.6},
        ("train",): {"pooled_dice": 0.85},
    }
    config = eval_config({}, baseline=True)

    evaluation = read_evaluation(write_evaluation(tmp_path, config, figures, False))

    assert evaluation.metrics == (
        MetricRow("train", "all", "pooled_dice", 0.85),
        MetricRow("eval", "all", "pooled_dice", 0.8, 0.7, 0.9),
        MetricRow("eval", "all", "recall", 0.7),
        MetricRow("eval", "none", "pooled_dice", None),
        MetricRow("eval", "15+", "pooled_dice", 0.9),
    )
    assert evaluation.baseline == (MetricRow("eval", "all", "pooled_dice", 0.6),)


def test_confidence_interval_beside_the_value(tmp_path: Path) -> None:
    figures = {("eval",): {"interval:pooled_dice": (0.8, 0.75, 0.85)}}

    (row,) = read_evaluation(write_evaluation(tmp_path, eval_config({}), figures, False)).metrics

    assert (row.value, row.lower, row.upper) == (0.8, 0.75, 0.85)


def test_without_thresholds_nothing_passes(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path, eval_config({}), {("eval",): {"recall": 0.9}}, False)

    evaluation = read_evaluation(folder)

    assert evaluation.gate == ()
    assert not evaluation.passed


def test_metric_that_was_not_measured_is_none() -> None:
    assert metric_value((), "pooled_dice", features.SPLIT_EVAL) is None


def test_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"got no {tmp_path}/eval_config.json"):
        read_evaluation(str(tmp_path))


@pytest.mark.parametrize(("measured", "said"), [(0.8, False), (0.4, True)])
def test_disagreement_with_tfma_is_an_error(tmp_path: Path, measured: float, said: bool) -> None:
    config = eval_config({"PooledDice": [threshold(lower=0.5)]})
    folder = write_evaluation(tmp_path, config, {("eval",): {"pooled_dice": measured}}, said)

    with pytest.raises(ValueError, match=f"validation_ok={said} from TFMA and here these failed"):
        read_evaluation(folder)
