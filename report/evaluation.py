"""A TFMA evaluation folder as plain typed rows: what was measured, and what the gate made of it.

Everything comes from the folder alone: the configuration that TFMA wrote there, the metrics of
each slice key and the validation result. The verdict on each threshold is worked out here again,
since TFMA records failures only; both must agree.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from report.thresholds import (
    ALL,
    FAIL,
    METRIC_LABELS,
    Figures,
    GateRow,
    SliceMetrics,
    gate_rows,
    slice_name,
)
from schema import features

CONFIG_FILE: Final = "eval_config.json"
SPLIT_ORDER: Final = (ALL, features.SPLIT_TRAIN, features.SPLIT_EVAL, features.SPLIT_TEST)
BUCKET_ORDER: Final = (ALL, features.BUCKET_NONE, *features.BUCKETS)

_Row = TypeVar("_Row", "MetricRow", GateRow)


@dataclass(frozen=True)
class MetricRow:
    """One metric of one slice key; `value` is None where it is undefined.

    Attributes:
        split: Name of the split, or "all".
        bucket: Size bucket, or "all"; other slicing features appear as "feature=value".
        metric: Name of the metric.
        value: The figure.
        lower: Lower bound of its confidence interval, if there is one.
        upper: Upper bound of its confidence interval, if there is one.
    """

    split: str
    bucket: str
    metric: str
    value: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What TFMA measured.

    Attributes:
        metrics: Rows of the candidate.
        baseline: Rows of the last blessed model; empty when there was none.
        gate: One row per criterion.
    """

    metrics: tuple[MetricRow, ...]
    baseline: tuple[MetricRow, ...]
    gate: tuple[GateRow, ...]

    @property
    def passed(self) -> bool:
        """Whether criteria were set and none failed."""
        return bool(self.gate) and all(row.verdict != FAIL for row in self.gate)


def read_evaluation(folder: str, others: Sequence[str] = ()) -> Evaluation:
    """Reads the folder of a ModelEvaluation artifact.

    Args:
        folder: Where TFMA wrote `eval_config.json`, metrics and validations.
        others: Folders of further splits, of which the metrics alone are read.

    Raises:
        FileNotFoundError: There is no evaluation.
        ValueError: A threshold is of a kind that is not understood, or the verdicts worked out
            here disagree with TFMA's.
    """
    config = _read_config(folder)
    slices = tuple(_read_slices(folder))
    further = tuple(one for other in others for one in _read_slices(other))
    baseline = next((spec.name for spec in config.model_specs if spec.is_baseline), None)
    evaluation = Evaluation(
        metrics=_metric_rows((*slices, *further), lambda name: name != baseline),
        baseline=_metric_rows(slices, lambda name: name == baseline),
        gate=tuple(_sorted(gate_rows(config, slices, baseline))),
    )
    if evaluation.gate:
        _check_agreement(folder, evaluation)
    return evaluation


def metric_value(
    rows: tuple[MetricRow, ...], metric: str, split: str, bucket: str = ALL
) -> float | None:
    """The figure of one slice key; None where it is undefined or was not measured."""
    found = (r.value for r in rows if (r.metric, r.split, r.bucket) == (metric, split, bucket))
    return next(found, None)


def _read_config(folder: str) -> Any:
    path = os.path.join(folder, CONFIG_FILE)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(f"expected a TFMA evaluation, got no {path}")
    with tf.io.gfile.GFile(path, "r") as file:
        run = json_format.Parse(file.read(), config_pb2.EvalRun(), ignore_unknown_fields=True)
    return run.eval_config


def _read_slices(folder: str) -> Iterator[SliceMetrics]:
    for record in tfma.load_metrics(folder):
        values = {
            metric_types.MetricKey.from_proto(item.key): _figures(item)
            for item in record.metric_keys_and_values
            if item.value.WhichOneof("type") in ("double_value", "bounded_value")
        }
        yield SliceMetrics(slicer_lib.deserialize_slice_key(record.slice_key), values)


def _figures(item: Any) -> Figures:
    """Value and interval, whichever way TFMA wrote them."""
    if item.value.WhichOneof("type") == "bounded_value":
        bounded = item.value.bounded_value
        return (
            _defined(bounded.value.value),
            _defined(bounded.lower_bound.value),
            _defined(bounded.upper_bound.value),
        )
    value = _defined(item.value.double_value.value)
    if not item.HasField("confidence_interval"):
        return value, None, None
    interval = item.confidence_interval
    return (
        value,
        _defined(interval.lower_bound.double_value.value),
        _defined(interval.upper_bound.double_value.value),
    )


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _metric_rows(
    slices: tuple[SliceMetrics, ...], wanted: Callable[[str], bool]
) -> tuple[MetricRow, ...]:
    rows = [
        MetricRow(*slice_name(one.key), key.name, *figures)
        for one in slices
        for key, figures in one.values.items()
        if not key.is_diff and wanted(key.model_name)
    ]
    return tuple(_sorted(rows))


def _rank(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _sorted(rows: Iterable[_Row]) -> list[_Row]:
    metrics = tuple(METRIC_LABELS)
    return sorted(
        rows,
        key=lambda row: (
            _rank(SPLIT_ORDER, row.split),
            _rank(BUCKET_ORDER, row.bucket),
            _rank(metrics, row.metric),
            row.metric,
        ),
    )


def _check_agreement(folder: str, evaluation: Evaluation) -> None:
    validation = tfma.load_validation_result(folder)
    if bool(validation.validation_ok) != evaluation.passed:
        failed = [row.criterion for row in evaluation.gate if row.verdict == FAIL]
        raise ValueError(
            f"expected one verdict on the gate in {folder}, got "
            f"validation_ok={validation.validation_ok} from TFMA and here these failed: {failed}"
        )
