"""The metrics in a real evaluation by TFMA, on rows whose counts are chosen by hand."""

import math
from pathlib import Path
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from schema.metrics import METRICS
from tests.components.made_evaluation import row, run_tfma

Results = dict[tuple[tuple[str, str], ...], dict[str, float]]

# Truth, (predicted, common) of a good and of a bad model, buckets.
SLICES = (
    (4, (3, 3), (1, 1), ["3-6"]),  # Dice 6/7 and 2/5
    (2, (3, 2), (1, 0), ["3-6", "15+"]),  # Dice 4/5 and 0
    (0, (0, 0), (1, 0), ["none"]),  # undefined, and a false voxel
    (0, (0, 0), (0, 0), ["none"]),  # undefined for both
)
GOOD = [row(truth, good, None, buckets) for truth, good, _, buckets in SLICES]
BETTER = [row(truth, good, bad, buckets) for truth, good, bad, buckets in SLICES]
WORSE = [row(truth, bad, good, buckets) for truth, good, bad, buckets in SLICES]


def configuration(thresholds: str = "", baseline: bool = False) -> Any:
    """All metrics by split, and by split and bucket; thresholds go to pooled Dice."""
    bounds = {"pooled_dice": thresholds}
    metrics = "".join(
        f"""metrics {{
            class_name: "SegmentationMetric" module: "models.metrics.segmentation"
            config: '{{"name": "{metric.key}", "code_hash": "abc"}}'
            {bounds.get(metric.key, "")}
        }}"""
        for metric in METRICS
    )
    config = text_format.Parse(
        f"""model_specs {{ name: "candidate" model_type: "materialized_prediction" }}
        model_specs {{
            name: "baseline" model_type: "materialized_prediction" is_baseline: true
        }}
        metrics_specs {{ {metrics} }}
        slicing_specs {{ feature_keys: "split" }}
        slicing_specs {{ feature_keys: ["split", "size_buckets"] }}""",
        config_pb2.EvalConfig(),
    )
    return config_util.update_eval_config_with_defaults(
        config, has_baseline=baseline, rubber_stamp=True
    )


def evaluate(directory: Path, config: Any, rows: list[bytes]) -> tuple[Results, Any]:
    """The candidate's metrics by slice, and TFMA's verdict."""
    run_tfma(directory, config, rows)
    # TFMA drops the name of a model that is evaluated alone.
    name = "candidate" if len(config.model_specs) > 1 else ""
    result = tfma.load_eval_result(str(directory), model_name=name)
    metrics = {
        tuple(slice_key): {
            key: value["doubleValue"] for key, value in found[""][""].items() if value
        }
        for slice_key, found in result.slicing_metrics
    }
    return metrics, tfma.load_validation_result(str(directory))


def by_split(bucket: str = "") -> tuple[tuple[str, str], ...]:
    """A slice key, sorted by feature as TFMA gives it."""
    return ((("size_buckets", bucket),) if bucket else ()) + (("split", "eval"),)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Results:
    metrics, _ = evaluate(tmp_path_factory.mktemp("good"), configuration(), GOOD)
    return metrics


def test_all_slices_by_hand(good: Results) -> None:
    # intersections 3 + 2, predicted 3 + 3, true 4 + 2
    expected = {
        "pooled_dice": 2 * 5 / 12,
        "mean_slice_dice": (6 / 7 + 4 / 5) / 2,
        "precision": 5 / 6,
        "recall": 5 / 6,
    }
    assert {key: good[by_split()][key] for key in expected} == pytest.approx(expected)


def test_a_slice_with_two_nodules_counts_in_both_buckets(good: Results) -> None:
    assert good[by_split("3-6")]["pooled_dice"] == pytest.approx(2 * 5 / 12)
    assert good[by_split("15+")]["pooled_dice"] == pytest.approx(4 / 5)


def test_nothing_true_and_nothing_predicted_is_undefined(good: Results) -> None:
    empty = good[by_split("none")]
    assert set(empty) == {metric.key for metric in METRICS}
    assert all(math.isnan(float(value)) for value in empty.values())


PER_SPLIT = 'per_slice_thresholds {{ slicing_specs {{ feature_keys: "split" }} {0} }}'
LOWER = "threshold {{ value_threshold {{ lower_bound {{ value: {0} }} }} }}"
NOT_WORSE = """threshold { change_threshold {
    direction: HIGHER_IS_BETTER absolute { value: -0.01 } } }"""


@pytest.mark.parametrize(("bound", "ok"), [(0.83, True), (0.84, False)])
def test_an_absolute_bound_decides(tmp_path: Path, bound: float, ok: bool) -> None:
    config = configuration(PER_SPLIT.format(LOWER.format(bound)))
    _, validation = evaluate(tmp_path, config, GOOD)  # pooled Dice 0.8333
    assert validation.validation_ok is ok


def test_a_worse_candidate_is_refused(tmp_path: Path) -> None:
    metrics, validation = evaluate(tmp_path, configuration(NOT_WORSE, baseline=True), WORSE)
    # the candidate's own figures: intersection 1, predicted 3, true 6
    assert metrics[by_split()]["pooled_dice"] == pytest.approx(2 / 9)
    assert not validation.validation_ok
    changes = {
        tuple(
            (key.column, key.bytes_value.decode()) for key in part.slice_key.single_slice_keys
        ): part.failures[0].metric_value.double_value.value
        for part in validation.metric_validations_per_slice
    }
    assert changes[by_split()] == pytest.approx(2 / 9 - 10 / 12)
    assert changes[by_split("15+")] == pytest.approx(0 - 4 / 5)


def test_a_better_candidate_passes(tmp_path: Path) -> None:
    config = configuration(PER_SPLIT.format(NOT_WORSE), baseline=True)
    metrics, validation = evaluate(tmp_path, config, BETTER)
    assert metrics[by_split()]["pooled_dice"] == pytest.approx(10 / 12)
    assert validation.validation_ok


def test_a_change_needs_a_baseline(tmp_path: Path) -> None:
    bounds = PER_SPLIT.format(NOT_WORSE) + PER_SPLIT.format(LOWER.format(0.8))
    assert evaluate(tmp_path, configuration(bounds), GOOD)[1].validation_ok


def test_rows_without_the_baseline_are_an_error_and_no_pass(tmp_path: Path) -> None:
    config = configuration(PER_SPLIT.format(NOT_WORSE), baseline=True)
    with pytest.raises(ValueError, match="expected one baseline_common_voxels, got 0 in a row of"):
        evaluate(tmp_path, config, GOOD)


def test_an_undefined_figure_does_not_meet_a_bound(tmp_path: Path) -> None:
    _, validation = evaluate(tmp_path, configuration(LOWER.format(0.1)), GOOD)
    failed = [part.slice_key for part in validation.metric_validations_per_slice]
    assert [key.single_slice_keys[0].bytes_value for key in failed] == [b"none"]
