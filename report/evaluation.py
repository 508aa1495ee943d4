"""A TFMA evaluation folder as plain typed rows: what was measured, and the gate's verdicts.

The gate is judged from its criteria and the figures that TFMA measured, since TFMA records failures
only; both must come to the same verdict.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from schema import features
from schema.criteria import Criterion, GateRow, Verdict, is_passed, judge
from schema.metrics import MetricRow, in_order
from schema.slice_keys import ALL

CONFIG_FILE: Final = "eval_config.json"


@dataclass(frozen=True)
class Evaluation:
    """What TFMA measured.

    Attributes:
        metrics: Rows of the candidate.
        last_blessed: Rows of the last blessed model; empty when there was none.
        gate: One row per criterion.
    """

    metrics: tuple[MetricRow, ...]
    last_blessed: tuple[MetricRow, ...]
    gate: tuple[GateRow, ...]

    @property
    def passed(self) -> bool:
        """Whether criteria were applied and none failed."""
        return is_passed(self.gate)


def read_evaluation(folder: str, criteria: Sequence[Criterion]) -> Evaluation:
    """Reads the folder of a ModelEvaluation artifact, and judges.

    Args:
        folder: Where TFMA wrote `eval_config.json`, metrics and validations.
        criteria: The gate's criteria, which TFMA was given as thresholds.

    Raises:
        FileNotFoundError: There is no evaluation.
        ValueError: The verdict worked out here is not TFMA's.
    """
    config = _read_config(folder)
    baseline = next((spec.name for spec in config.model_specs if spec.is_baseline), None)
    measured = list(_read_rows(folder))
    candidate = [row for model, row in measured if model != baseline]
    last_blessed = [row for model, row in measured if model == baseline]
    evaluation = Evaluation(
        metrics=in_order(candidate),
        last_blessed=in_order(last_blessed),
        gate=judge(criteria, candidate, None if baseline is None else last_blessed),
    )
    _check_agreement(folder, evaluation)
    return evaluation


def slice_name(key: Any) -> tuple[str, str]:
    """Split and bucket of a TFMA slice key, "all" for what it does not name.

    Slicing features other than these two appear in the bucket as "feature=value".
    """
    columns = {column: _text(value) for column, value in key}
    split = columns.pop(features.SPLIT, ALL)
    bucket = columns.pop(features.SIZE_BUCKETS, ALL)
    parts = [bucket] if bucket != ALL else []
    parts += [f"{column}={value}" for column, value in sorted(columns.items())]
    return split, ", ".join(parts) or ALL


def _read_config(folder: str) -> Any:
    path = os.path.join(folder, CONFIG_FILE)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(f"expected a TFMA evaluation, got no {path}")
    with tf.io.gfile.GFile(path, "r") as file:
        run = json_format.Parse(file.read(), config_pb2.EvalRun(), ignore_unknown_fields=True)
    return run.eval_config


def _read_rows(folder: str) -> Iterator[tuple[str, MetricRow]]:
    """Name of the model and row of every figure; TFMA's differences of models are left out."""
    for record in tfma.load_metrics(folder):
        where = slice_name(slicer_lib.deserialize_slice_key(record.slice_key))
        for item in record.metric_keys_and_values:
            key = metric_types.MetricKey.from_proto(item.key)
            known = item.value.WhichOneof("type") in ("double_value", "bounded_value")
            if known and not key.is_diff:
                yield key.model_name, MetricRow(*where, key.name, *_figures(item))


def _figures(item: Any) -> tuple[float | None, float | None, float | None]:
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


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_agreement(folder: str, evaluation: Evaluation) -> None:
    if all(row.verdict is Verdict.NOT_APPLICABLE for row in evaluation.gate):
        return  # TFMA validates nothing then
    validation = tfma.load_validation_result(folder)
    if bool(validation.validation_ok) != evaluation.passed:
        failed = [row.criterion.text for row in evaluation.gate if row.verdict is Verdict.FAIL]
        raise ValueError(
            f"expected one verdict on the gate in {folder}, got "
            f"validation_ok={validation.validation_ok} from TFMA and here these failed: {failed}"
        )
