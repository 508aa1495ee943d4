"""Made-up evaluations for tests: criteria, TFMA's folder with given figures, and TFMA itself."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam import Create, Pipeline
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import json_format
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.utils import config_util
from tensorflow_model_analysis.version import VERSION
from tfx_bsl.tfxio.tf_example_record import TFExampleBeamRecord

from lungct.metrics import Overlap
from pipeline.eval_config import Drawing
from pipeline.eval_config import eval_config as pipeline_eval_config
from schema import features
from schema.criteria import Comparison, Criterion
from schema.judged import (
    Calibration,
    FalsePositive,
    NoduleFigures,
    NoduleRow,
    Place,
    ScanFigures,
    ScanRow,
    SliceRow,
)
from schema.judged_io import row_bytes
from schema.metrics import Kind


def at_least(
    bound: float, bucket: str = "all", metric: str = "pooled_dice", **more: Any
) -> Criterion:
    """A lower bound on the eval split."""
    return Criterion(metric, "eval", bucket, Comparison.AT_LEAST, bound, **more)


def at_most(
    bound: float, bucket: str = "all", metric: str = "pooled_dice", **more: Any
) -> Criterion:
    """An upper bound on the eval split."""
    return Criterion(metric, "eval", bucket, Comparison.AT_MOST, bound, **more)


def change_of_at_least(bound: float, bucket: str = "all", **more: Any) -> Criterion:
    """A bound on the change of eval's pooled Dice against the last blessed model."""
    return at_least(bound, bucket, kind=Kind.CHANGE, **more)


def eval_config(
    criteria: Sequence[Criterion], baseline: bool = False, replicates: int = 20
) -> config_pb2.EvalConfig:
    """TFMA's configuration as TFX's Evaluator leaves it, with or without a baseline."""
    config = pipeline_eval_config(criteria, Drawing(replicates, code_hash="c0ffee"))
    return config_util.update_eval_config_with_defaults(
        config, has_baseline=baseline, rubber_stamp=True
    )


Voxels = tuple[int, int]  # predicted, and common with the truth


def place(
    buckets: Sequence[str] = ("none",),
    split: str = "eval",
    patient: str = "p",
    source: str = "made up",
) -> Place:
    """Where a made row is from."""
    return Place(split, f"series of {patient}", patient, source, tuple(buckets))


def row(
    truth: int,
    candidate: Voxels,
    baseline: Voxels | None = None,
    buckets: Sequence[str] = ("none",),
    **where: str,
) -> bytes:
    """A slice as SegmentScans writes it; of each model the voxels predicted and common."""
    overlaps = _by_model(truth, candidate, baseline)
    return row_bytes(SliceRow(place(buckets, **where), 0, overlaps))


def nodule_row(
    truth: int,
    candidate: Voxels,
    baseline: Voxels | None = None,
    bucket: str = "3-6",
    hit: float = math.nan,
    **where: str,
) -> bytes:
    """A nodule, hit by both models with a probability or by none; its surfaces are 0.5 and 2 mm."""
    figures = {
        model: NoduleFigures(overlap, 0.5, 2.0 if overlap.predicted else math.nan, hit)
        for model, overlap in _by_model(truth, candidate, baseline).items()
    }
    centre_mm = (1.0, 2.0, 3.0)
    return row_bytes(NoduleRow(place([bucket], **where), "1", 5.0, centre_mm, figures))


def scan_row(
    truth: int,
    candidate: Voxels,
    baseline: Voxels | None = None,
    false_positives: Sequence[float] = (),
    **where: str,
) -> bytes:
    """A scan in which both models find false nodules of these probabilities."""
    marks = tuple(FalsePositive((1.0, 2.0, 3.0), probability) for probability in false_positives)
    calibration = Calibration((90, 10), (1, 9))
    figures = {
        model: ScanFigures(overlap, marks, calibration)
        for model, overlap in _by_model(truth, candidate, baseline).items()
    }
    return row_bytes(ScanRow(place(features.BUCKETS, **where), figures))


def _by_model(truth: int, candidate: Voxels, baseline: Voxels | None) -> dict[str, Overlap]:
    models = {features.CANDIDATE: candidate, features.BASELINE: baseline}
    return {
        name: Overlap(common=counts[1], predicted=counts[0], truth=truth)
        for name, counts in models.items()
        if counts is not None
    }


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


# Figures by slice key (split, bucket, source), then by name; "baseline:" or "diff:" before one says
# whose. What is None is left out of the key.
MadeFigures = Mapping[tuple[str | None, ...], Mapping[str, float]]


def write_evaluation(
    folder: Path, config: config_pb2.EvalConfig, figures: MadeFigures, validation_ok: bool
) -> str:
    """An evaluation folder as TFMA writes it, with figures as given."""
    folder.mkdir(parents=True, exist_ok=True)
    run = config_pb2.EvalRun(eval_config=config, version=VERSION)
    (folder / "eval_config.json").write_text(json_format.MessageToJson(run))
    name = "candidate" if len(config.model_specs) > 1 else ""
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        for columns, values in figures.items():
            writer.write(_metrics(columns, values, name).SerializeToString())
    result = validation_result_pb2.ValidationResult(validation_ok=validation_ok)
    with tf.io.TFRecordWriter(str(folder / "validations.tfrecord")) as writer:
        writer.write(result.SerializeToString())
    return str(folder)


def _metrics(
    columns: tuple[str | None, ...],
    values: Mapping[str, float],
    model: str,
) -> Any:
    record = metrics_for_slice_pb2.MetricsForSlice()
    names = (features.SPLIT, features.SIZE_BUCKETS, features.SOURCE)
    for column, value in zip(names, columns, strict=False):
        if value is not None:
            record.slice_key.single_slice_keys.add(column=column, bytes_value=value.encode())
    for name, value in values.items():
        how, _, metric = name.rpartition(":")
        key = metric_types.MetricKey(metric, model, is_diff=how == "diff")
        key = key.make_baseline_key("baseline") if how == "baseline" else key
        item = record.metric_keys_and_values.add(key=key.to_proto())
        item.value.double_value.value = value
    return record
