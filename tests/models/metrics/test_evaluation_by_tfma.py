"""The metrics in a real evaluation by TFMA, with models whose predictions are chosen by hand.

The "models" read their prediction from the image: model k predicts what channel k holds.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_transform.tf_metadata import schema_utils
from tfx_bsl.tfxio import tf_example_record

from schema import features
from schema.metrics import METRICS
from tests.models.synthetic import beam_pipeline

SIDE = 4
FEATURE_SPEC = {
    features.IMAGE_HU: tf.io.FixedLenFeature([1], tf.string),
    features.NODULE_COVERAGE: tf.io.FixedLenFeature([1], tf.string),
    features.SPLIT: tf.io.FixedLenFeature([1], tf.string),
    features.SIZE_BUCKETS: tf.io.VarLenFeature(tf.string),
}
GOOD, BAD = 0, 1  # channels
Results = dict[tuple[tuple[str, str], ...], dict[str, float]]


def example(truth: Sequence[int], good: Sequence[int], bad: Sequence[int], *buckets: str) -> bytes:
    """A slice of 16 pixels, given by the positions that are true and predicted."""
    hu = np.zeros((SIDE * SIDE, 2), "<i2")
    hu[list(good), GOOD], hu[list(bad), BAD] = 1, 1
    coverage = np.full(SIDE * SIDE, 127, np.uint8)  # just below half: no nodule
    coverage[list(truth)] = 128
    coverage[10:] = 0  # bytes end with zeros, which some numpy arrays lose
    values = {
        features.IMAGE_HU: [hu.tobytes()],
        features.NODULE_COVERAGE: [coverage.tobytes()],
        features.SPLIT: [b"eval"],
        features.SIZE_BUCKETS: [bucket.encode() for bucket in buckets],
    }
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
        for name, value in values.items()
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


SLICES = [
    #       truth           good            bad
    example([0, 1, 2, 3], [0, 1, 2], [0], "3-6"),  # Dice 6/7 and 2/5
    example([4, 5], [4, 5, 6], [9], "3-6", "15+"),  # Dice 4/5 and 0
    example([], [], [7], "none"),  # undefined, and a false voxel
    example([], [], [], "none"),  # undefined for both
]


class ChannelModel(tf.Module):
    """Predicts 0.5 where its channel holds 1, 0.49 elsewhere."""

    def __init__(self, channel: int) -> None:
        super().__init__()
        self._channel = channel

    def signature(self) -> Any:
        examples = tf.TensorSpec([None], tf.string, name=features.INPUT_EXAMPLES)
        return tf.function(self._serve, input_signature=[examples]).get_concrete_function()

    def _serve(self, examples: Any) -> dict[str, Any]:
        raw = tf.io.parse_example(examples, {features.IMAGE_HU: FEATURE_SPEC[features.IMAGE_HU]})
        hu = tf.io.decode_raw(raw[features.IMAGE_HU][:, 0], tf.int16)
        on = tf.reshape(hu, [-1, SIDE, SIDE, 2])[..., self._channel] > 0
        return {features.OUTPUT_PROBABILITY: tf.where(on, 0.5, 0.49)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    paths = {}
    for channel in (GOOD, BAD):
        paths[channel] = str(tmp_path_factory.mktemp("model"))
        module = ChannelModel(channel)
        signatures = {features.SIGNATURE_EXAMPLES: module.signature()}
        tf.saved_model.save(module, paths[channel], signatures=signatures)
    return paths


def configuration(thresholds: str = "", baseline: bool = False) -> Any:
    """All metrics by split, and by split and bucket; thresholds go to pooled Dice."""
    bounds = {"pooled_dice": thresholds}
    metrics = "".join(
        f"""metrics {{
            class_name: "SegmentationMetric" module: "models.metrics.segmentation"
            config: '{{"name": "{metric.key}", "threshold": 0.5, "code_hash": "abc"}}'
            {bounds.get(metric.key, "")}
        }}"""
        for metric in METRICS
    )
    specs = 'model_specs { name: "candidate" signature_name: "serving_default" }'
    if baseline:
        specs += (
            'model_specs { name: "baseline" signature_name: "serving_default" is_baseline: true }'
        )
    return text_format.Parse(
        f"""{specs}
        metrics_specs {{ {metrics} }}
        slicing_specs {{ feature_keys: "split" }}
        slicing_specs {{ feature_keys: ["split", "size_buckets"] }}""",
        config_pb2.EvalConfig(),
    )


def evaluate(
    directory: Path, config: Any, candidate: str, baseline: str | None = None
) -> tuple[Results, Any]:
    """Runs TFMA as TFX's Evaluator does; gives the candidate's metrics by slice, and the gate."""
    paths = {"candidate": candidate, **({"baseline": baseline} if baseline else {})}
    shared = [
        tfma.default_eval_shared_model(
            eval_saved_model_path=path,
            model_name=name,
            eval_config=config,
            tags=[tf.saved_model.SERVING],
        )
        for name, path in paths.items()
    ]
    source = tf_example_record.TFExampleBeamRecord(
        physical_format="inmem",
        telemetry_descriptors=["test"],
        schema=schema_utils.schema_from_feature_spec(FEATURE_SPEC),
        raw_record_column_name=constants.ARROW_INPUT_COLUMN,
    )
    with beam_pipeline() as pipeline:
        _ = (
            pipeline
            | "Slices" >> beam.Create(SLICES)
            | "Parse" >> source.BeamSource()
            | "Evaluate"
            >> tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=shared if baseline else shared[0],
                eval_config=config,
                output_path=str(directory),
            )
        )
    # TFMA drops the name of a model that is evaluated alone
    metrics = candidate_metrics(directory, "candidate" if baseline else "")
    return metrics, tfma.load_validation_result(str(directory))


def candidate_metrics(directory: Path, model_name: str) -> Results:
    result = tfma.load_eval_result(str(directory), model_name=model_name)
    return {
        tuple(slice_key): {
            name: value["doubleValue"] for name, value in metrics[""][""].items() if value
        }
        for slice_key, metrics in result.slicing_metrics
    }


def by_split(bucket: str = "") -> tuple[tuple[str, str], ...]:
    """A slice key, sorted by feature as TFMA gives it."""
    return ((("size_buckets", bucket),) if bucket else ()) + (("split", "eval"),)


@pytest.fixture(scope="module")
def good(models: dict[int, str], tmp_path_factory: pytest.TempPathFactory) -> Results:
    metrics, _ = evaluate(tmp_path_factory.mktemp("good"), configuration(), models[GOOD])
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
def test_an_absolute_bound_decides(
    models: dict[int, str], tmp_path: Path, bound: float, ok: bool
) -> None:
    config = configuration(PER_SPLIT.format(LOWER.format(bound)))
    _, validation = evaluate(tmp_path, config, models[GOOD])  # pooled Dice 0.8333
    assert validation.validation_ok is ok


def test_a_worse_candidate_is_refused(models: dict[int, str], tmp_path: Path) -> None:
    config = configuration(NOT_WORSE, baseline=True)
    metrics, validation = evaluate(tmp_path, config, models[BAD], baseline=models[GOOD])
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


def test_an_undefined_figure_does_not_meet_a_bound(models: dict[int, str], tmp_path: Path) -> None:
    _, validation = evaluate(tmp_path, configuration(LOWER.format(0.1)), models[GOOD])
    failed = [part.slice_key for part in validation.metric_validations_per_slice]
    assert [key.single_slice_keys[0].bytes_value for key in failed] == [b"none"]


def test_a_better_candidate_passes(models: dict[int, str], tmp_path: Path) -> None:
    config = configuration(PER_SPLIT.format(NOT_WORSE), baseline=True)
    metrics, validation = evaluate(tmp_path, config, models[GOOD], baseline=models[BAD])
    assert metrics[by_split()]["pooled_dice"] == pytest.approx(10 / 12)
    assert validation.validation_ok
