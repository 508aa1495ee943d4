"""The gate, criterion by criterion: TFMA's thresholds against what TFMA measured.

The rules are those of TFMA's own validation: a bound is inclusive, an undefined figure fails, and
a slice that a threshold names but the evaluation does not hold fails. Without a last blessed model
TFMA empties the change thresholds, which leaves entries without a bound: not applicable.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from schema import features

ALL: Final = "all"
PASS: Final = "pass"
FAIL: Final = "fail"
NOT_APPLICABLE: Final = "not applicable"
ABSOLUTE: Final = "absolute"
AGAINST_BASELINE: Final = "against last blessed"
AT_LEAST: Final = ">="
AT_MOST: Final = "<="

METRIC_LABELS: Final = {
    "pooled_dice": "pooled Dice",
    "mean_slice_dice": "mean slice Dice",
    "precision": "voxel precision",
    "recall": "voxel recall",
}

# Value of a metric and its confidence interval; None where it is undefined or not computed.
Figures = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class SliceMetrics:
    """The metrics of one TFMA slice key, by TFMA's metric key."""

    key: Any
    values: Mapping[Any, Figures]


@dataclass(frozen=True)
class GateRow:
    """One criterion of the gate and what became of it.

    Attributes:
        criterion: The criterion in words.
        split: Split it is about, or "all".
        bucket: Size bucket it is about, or "all".
        metric: Name of the metric.
        measured: The figure; for a comparison the change, candidate minus last blessed.
        bound: What it is held against; None where the comparison is not applicable.
        comparison: ">=" or "<=", how measured must stand to the bound.
        kind: "absolute" or "against last blessed".
        verdict: "pass", "fail" or "not applicable".
        margin: Distance to the bound, positive on the good side.
        reason: Why nothing was measured or compared, otherwise empty.
    """

    criterion: str
    split: str
    bucket: str
    metric: str
    measured: float | None
    bound: float | None
    comparison: str
    kind: str
    verdict: str
    margin: float | None
    reason: str = ""


@dataclass(frozen=True)
class _Bound:
    """One side of a threshold on one metric."""

    metric: str
    kind: str
    comparison: str
    value: float


def metric_label(metric: str) -> str:
    """What a metric is called in the report."""
    return METRIC_LABELS.get(metric, metric.replace("_", " "))


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


def gate_rows(
    config: Any, slices: Sequence[SliceMetrics], baseline: str | None
) -> Iterator[GateRow]:
    """One row per criterion.

    Args:
        config: TFMA's EvalConfig as it was used.
        slices: What was measured.
        baseline: Model name of the last blessed model; None when there was none.

    Raises:
        ValueError: A threshold is of a kind that is not understood here.
    """
    thresholds = metric_specs.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    for key, sliced in thresholds.items():
        if baseline is not None and key.model_name == baseline:
            continue
        for spec, threshold in sliced:
            for bound in _bounds(key.name, threshold):
                yield from _judged(bound, key, spec, slices)
    if baseline is None:
        yield from _not_applicable(config)


def _bounds(metric: str, threshold: Any) -> Iterator[_Bound]:
    if isinstance(threshold, config_pb2.GenericValueThreshold):
        if threshold.HasField("lower_bound"):
            yield _Bound(metric, ABSOLUTE, AT_LEAST, threshold.lower_bound.value)
        if threshold.HasField("upper_bound"):
            yield _Bound(metric, ABSOLUTE, AT_MOST, threshold.upper_bound.value)
        return
    if threshold.HasField("relative") or not threshold.HasField("absolute"):
        raise ValueError(
            f"expected an absolute change threshold on {metric}, got {str(threshold).strip()!r}"
        )
    lower_is_better = threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    comparison = AT_MOST if lower_is_better else AT_LEAST
    yield _Bound(metric, AGAINST_BASELINE, comparison, threshold.absolute.value)


def _judged(
    bound: _Bound, key: Any, spec: Any, slices: Sequence[SliceMetrics]
) -> Iterator[GateRow]:
    found = [one for one in slices if key in one.values and _applies(spec, one.key)]
    for one in found:
        yield _row(bound, slice_name(one.key), one.values[key][0], "undefined in this slice")
    if not found:
        yield _row(bound, _named_by(spec), None, "no such slice")


def _applies(spec: Any, slice_key: Any) -> bool:
    """Whether TFMA holds the threshold of `spec` against this slice; None is every slice."""
    if spec is None:
        return True
    if not isinstance(spec, config_pb2.SlicingSpec):
        raise ValueError(f"expected a threshold on slices, got {str(spec).strip()!r}")
    return bool(slicer_lib.SingleSliceSpec(spec=spec).is_slice_applicable(slice_key))


def _row(bound: _Bound, where: tuple[str, str], measured: float | None, without: str) -> GateRow:
    sign = 1.0 if bound.comparison == AT_LEAST else -1.0
    # As TFMA compares: doubles, the bound itself passes, undefined fails.
    margin = None if measured is None else sign * (measured - bound.value)
    return GateRow(
        criterion=_criterion(bound, where),
        split=where[0],
        bucket=where[1],
        metric=bound.metric,
        measured=measured,
        bound=bound.value,
        comparison=bound.comparison,
        kind=bound.kind,
        verdict=PASS if margin is not None and margin >= 0 else FAIL,
        margin=margin,
        reason=without if measured is None else "",
    )


def _criterion(bound: _Bound, where: tuple[str, str]) -> str:
    sign = "≥" if bound.comparison == AT_LEAST else "≤"
    what = f"{metric_label(bound.metric)}, {slice_text(*where)}"
    if bound.kind == AGAINST_BASELINE:
        change = f"{bound.value:+g}".replace("-", "−")
        return f"change of {what} against the last blessed model {sign} {change}"
    return f"{what} {sign} {bound.value:g}"


def bucket_text(bucket: str) -> str:
    """A size bucket with a proper dash and its unit."""
    return f"{bucket.replace('-', '–')} mm"


def slice_text(split: str, bucket: str) -> str:
    """Split and bucket in words."""
    where = "all splits" if split == ALL else f"{split} split"
    if bucket in features.BUCKETS:
        return f"{where}, nodules {bucket_text(bucket)}"
    if bucket == features.BUCKET_NONE:
        return f"{where}, slices without nodule"
    return where if bucket == ALL else f"{where}, {bucket}"


def _named_by(spec: Any) -> tuple[str, str]:
    """Split and bucket that a slicing spec asks for; None and an empty spec ask for all."""
    if spec is None:
        return ALL, ALL
    return slice_name(
        [*spec.feature_values.items(), *((name, "any") for name in spec.feature_keys)]
    )


def _not_applicable(config: Any) -> Iterator[GateRow]:
    """Rows for the change thresholds that TFMA emptied, since there is no last blessed model.

    An entry that also bounds the value itself keeps that bound and leaves no trace of the change.
    """
    for key, metric, _ in metric_specs.keys_and_metrics_from_specs(config, config.metrics_specs):
        for entry in metric.per_slice_thresholds:
            if not entry.threshold.ByteSize():
                for spec in entry.slicing_specs:
                    yield _without_baseline(key.name, _named_by(spec))


def _without_baseline(metric: str, where: tuple[str, str]) -> GateRow:
    return GateRow(
        criterion=f"change of {metric_label(metric)}, {slice_text(*where)} "
        "against the last blessed model",
        split=where[0],
        bucket=where[1],
        metric=metric,
        measured=None,
        bound=None,
        comparison=AT_LEAST,
        kind=AGAINST_BASELINE,
        verdict=NOT_APPLICABLE,
        margin=None,
        reason="no model was blessed before",
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
