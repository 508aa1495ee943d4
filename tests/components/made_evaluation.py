"""Made-up evaluations for tests: criteria, TFMA's folder with given figures, and TFMA itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam import Create, Pipeline
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import json_format
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.utils import config_util
from tensorflow_model_analysis.version import VERSION
from tfx_bsl.tfxio.tf_example_record import TFExampleBeamRecord

from pipeline.eval_config import eval_config as pipeline_eval_config
from schema import features
from schema.criteria import Comparison, Criterion, Kind


def at_least(bound: float, bucket: str = "all", metric: str = "pooled_dice") -> Criterion:
    """A lower bound on the eval split."""
    return Criterion(metric, "eval", bucket, Comparison.AT_LEAST, bound)


def at_most(bound: float, bucket: str = "all", metric: str = "pooled_dice") -> Criterion:
    """An upper bound on the eval split."""
    return Criterion(metric, "eval", bucket, Comparison.AT_MOST, bound)


def change_of_at_least(bound: float, bucket: str = "all") -> Criterion:
    """A bound on the change of eval's pooled Dice against the last blessed model."""
    return Criterion("pooled_dice", "eval", bucket, Comparison.AT_LEAST, bound, Kind.CHANGE)


def eval_config(criteria: Sequence[Criterion], baseline: bool = False) -> config_pb2.EvalConfig:
    """TFMA's configuration as TFX's Evaluator leaves it, with or without a baseline."""
    config = pipeline_eval_config(criteria, code_hash="c0ffee")
    return config_util.update_eval_config_with_defaults(
        config, has_baseline=baseline, rubber_stamp=True
    )


def row(
    truth: int,
    candidate: tuple[int, int],
    baseline: tuple[int, int] | None = None,
    buckets: Sequence[str] = ("none",),
    split: str = "eval",
) -> bytes:
    """A row as SegmentScans writes it; of each model the voxels predicted and common."""
    feature = {
        features.SPLIT: _bytes(split),
        features.SOURCE: _bytes("made up"),
        features.SIZE_BUCKETS: _bytes(*buckets),
        features.TRUTH_VOXELS: _whole(truth),
    }
    models = {features.CANDIDATE: candidate, features.BASELINE: baseline}
    for name, counts in models.items():
        if counts is not None:
            feature[features.predicted_voxels(name)] = _whole(counts[0])
            feature[features.common_voxels(name)] = _whole(counts[1])
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def _bytes(*values: str) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode() for v in values]))


def _whole(value: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def run_tfma(folder: Path, config: config_pb2.EvalConfig, rows: Sequence[bytes]) -> str:
    """Runs TFMA as TFX's Evaluator does, which loads no model of these.

    Args:
        folder: Where the evaluation is written.
        config: By `eval_config`.
        rows: By `row`.
    """
    shared = [
        tfma.default_eval_shared_model("/nowhere", model_name=spec.name, eval_config=config)
        for spec in config.model_specs
    ]
    with Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | Create(list(rows))
            | TFExampleBeamRecord(
                physical_format="inmem",
                telemetry_descriptors=["test"],
                raw_record_column_name=constants.ARROW_INPUT_COLUMN,
            ).BeamSource()
            | tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=shared if len(shared) > 1 else shared[0],
                eval_config=config,
                output_path=str(folder),
            )
        )
    return str(folder)


# Figures by slice key (split, bucket), then by metric; "baseline:" or "diff:" before a name says
# whose; "interval:" writes (value, lower, upper) as an interval beside the value, else as bounded.
MadeFigures = Mapping[tuple[str, ...], Mapping[str, float | tuple[float, float, float]]]


def write_evaluation(
    folder: Path, config: config_pb2.EvalConfig, figures: MadeFigures, validation_ok: bool
) -> str:
    """An evaluation folder as TFMA writes it, with figures as given."""
    folder.mkdir(parents=True, exist_ok=True)
    run = config_pb2.EvalRun(eval_config=config, version=VERSION)
    (folder / "eval_config.json").write_text(json_format.MessageToJson(run))
    specs = metric_specs.keys_and_metrics_from_specs(config, config.metrics_specs)
    keys = {key.name: key for key, _, _ in specs if key.model_name != "baseline"}
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        for columns, values in figures.items():
            writer.write(_metrics(columns, values, keys).SerializeToString())
    result = validation_result_pb2.ValidationResult(validation_ok=validation_ok)
    with tf.io.TFRecordWriter(str(folder / "validations.tfrecord")) as writer:
        writer.write(result.SerializeToString())
    return str(folder)


def _metrics(
    columns: tuple[str, ...],
    values: Mapping[str, float | tuple[float, float, float]],
    keys: Mapping[str, Any],
) -> Any:
    record = metrics_for_slice_pb2.MetricsForSlice()
    for column, value in zip((features.SPLIT, features.SIZE_BUCKETS), columns, strict=False):
        record.slice_key.single_slice_keys.add(column=column, bytes_value=value.encode())
    for name, value in values.items():
        how, _, metric = name.rpartition(":")
        key = keys[metric]
        key = key.make_diff_key() if how == "diff" else key
        key = key.make_baseline_key("baseline") if how == "baseline" else key
        item = record.metric_keys_and_values.add(key=key.to_proto())
        if isinstance(value, tuple) and how == "interval":
            item.value.double_value.value = value[0]
            item.confidence_interval.lower_bound.double_value.value = value[1]
            item.confidence_interval.upper_bound.double_value.value = value[2]
        elif isinstance(value, tuple):
            item.value.bounded_value.value.value = value[0]
            item.value.bounded_value.lower_bound.value = value[1]
            item.value.bounded_value.upper_bound.value = value[2]
        else:
            item.value.double_value.value = value
    return record
