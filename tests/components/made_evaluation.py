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
    config = pipeline_eval_config(criteria, probability_threshold=0.5, code_hash="c0ffee")
    return config_util.update_eval_config_with_defaults(
        config, has_baseline=baseline, rubber_stamp=True
    )


def run_tfma(
    folder: Path,
    config: config_pb2.EvalConfig,
    examples: Sequence[bytes],
    models: Mapping[str, str],
) -> str:
    """Runs TFMA as TFX's Evaluator does.

    Args:
        folder: Where the evaluation is written.
        config: By `eval_config`.
        examples: Serialized, with the features that TFMA slices by.
        models: Folder of the SavedModel by "candidate" and, with a baseline, "baseline".
    """
    names = [spec.name or "candidate" for spec in config.model_specs]
    shared = [
        tfma.default_eval_shared_model(
            models[name], model_name=name if len(names) > 1 else "", eval_config=config
        )
        for name in names
    ]
    with Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | Create(list(examples))
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


def with_slicing_features(serialized: bytes, split: str, bucket: str) -> bytes:
    """The same slice with the features that TFMA slices by."""
    example = tf.train.Example.FromString(serialized)
    feature = example.features.feature
    feature[features.SPLIT].bytes_list.value.append(split.encode())
    feature[features.SIZE_BUCKETS].bytes_list.value.append(bucket.encode())
    changed: bytes = example.SerializeToString()
    return changed


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
