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

from lungct.figures import COUNTS
from schema import features
from schema.criteria import Criterion
from schema.gate import GateRow, MeasuredRows, Verdict, is_passed, judge
from schema.metrics import METRICS, Kind, MetricRow, On, in_order, parse_figure_name
from schema.slice_keys import ALL

CONFIG_FILE: Final = "eval_config.json"
_BUCKETS: Final = (*features.BUCKETS, features.BUCKET_NONE)
_BY_BUCKET: Final = {metric.key: metric.by_bucket for metric in METRICS}


@dataclass(frozen=True)
class Evaluation:
    """What TFMA measured.

    Attributes:
        metrics: Rows of the candidate: figures, and counts of patients, scans and nodules.
        last_blessed: Rows of the last blessed model; empty when there was none.
        changes: Candidate minus last blessed model; None when there was none to compare with.
        gaps: Train split minus eval split; of the eval split.
        gate: One row per criterion.
    """

    metrics: tuple[MetricRow, ...]
    last_blessed: tuple[MetricRow, ...]
    changes: tuple[MetricRow, ...] | None
    gaps: tuple[MetricRow, ...]
    gate: tuple[GateRow, ...]

    @property
    def passed(self) -> bool:
        """Whether criteria were applied and none failed."""
        return is_passed(self.gate)

    @property
    def measured(self) -> MeasuredRows:
        """The rows, to look one up by kind, metric and slice."""
        return MeasuredRows(self.metrics, self.changes, self.gaps)


@dataclass(frozen=True)
class _Found:
    """One number of TFMA's: what it is, and where."""

    model: str
    kind: Kind
    on: On
    place: tuple[str, str, str, str]
    value: float | None


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
    found = list(_read(folder))
    candidate = [one for one in found if one.model != baseline]
    metrics, changes, gaps = (_rows(candidate, kind) for kind in Kind)
    measured = MeasuredRows(metrics, changes or None, gaps)
    evaluation = Evaluation(
        metrics=metrics,
        last_blessed=_rows([one for one in found if one.model == baseline], Kind.VALUE),
        changes=changes or None,
        gaps=gaps,
        gate=judge(criteria, measured),
    )
    _check_agreement(folder, evaluation)
    return evaluation


def slice_name(key: Any) -> tuple[str, str, str]:
    """Split, bucket and data root of a TFMA slice key, "all" for what it does not name.

    Slicing features other than these appear in the bucket as "feature=value".
    """
    columns = {column: _text(value) for column, value in key}
    split = columns.pop(features.SPLIT, ALL)
    bucket, source = (columns.pop(name, ALL) for name in (features.SIZE_BUCKETS, features.SOURCE))
    parts = [bucket] if bucket != ALL else []
    parts += [f"{column}={value}" for column, value in sorted(columns.items())]
    return split, ", ".join(parts) or ALL, source


def _read_config(folder: str) -> Any:
    path = os.path.join(folder, CONFIG_FILE)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(f"expected a TFMA evaluation, got no {path}")
    with tf.io.gfile.GFile(path, "r") as file:
        run = json_format.Parse(file.read(), config_pb2.EvalRun(), ignore_unknown_fields=True)
    return run.eval_config


def _read(folder: str) -> Iterator[_Found]:
    """Every figure, bound and count; what else TFMA holds, the gate's margins too, is left out."""
    for record in tfma.load_metrics(folder):
        split, bucket, source = slice_name(slicer_lib.deserialize_slice_key(record.slice_key))
        for item in record.metric_keys_and_values:
            key = metric_types.MetricKey.from_proto(item.key)
            metric, kind, on = parse_figure_name(key.name)
            if key.is_diff or not _is_shown(metric, bucket):
                continue
            # A gap is of the slice of both splits together, and about the eval split.
            of_split = features.SPLIT_EVAL if kind is Kind.GAP else split
            value = _defined(item.value.double_value.value)
            yield _Found(key.model_name, kind, on, (of_split, bucket, source, metric), value)


def _is_shown(metric: str, bucket: str) -> bool:
    """Whether a name is that of a figure or count, and means something in the bucket."""
    if metric in COUNTS:
        return True
    return metric in _BY_BUCKET and (_BY_BUCKET[metric] or bucket not in _BUCKETS)


def _rows(found: Sequence[_Found], kind: Kind) -> tuple[MetricRow, ...]:
    """The rows of one kind: each figure with the bounds of its interval."""
    places: dict[tuple[str, str, str, str], dict[On, float | None]] = {}
    for one in found:
        if one.kind is kind:
            places.setdefault(one.place, {})[one.on] = one.value
    rows = []
    for (split, bucket, source, metric), values in places.items():
        value, lower, upper = (values.get(on) for on in (On.VALUE, On.LOWER, On.UPPER))
        rows.append(MetricRow(split, bucket, metric, value, lower, upper, source))
    return in_order(rows)


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_agreement(folder: str, evaluation: Evaluation) -> None:
    if not evaluation.gate:
        return  # TFMA validates nothing then
    validation = tfma.load_validation_result(folder)
    if bool(validation.validation_ok) != evaluation.passed:
        failed = [row.criterion.text for row in evaluation.gate if row.verdict is Verdict.FAIL]
        raise ValueError(
            f"expected one verdict on the gate in {folder}, got "
            f"validation_ok={validation.validation_ok} from TFMA and here these failed: {failed}"
        )
