"""The gate: from the configuration to its criteria, and from these to TFMA's thresholds."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tensorflow_model_analysis.proto import config_pb2

from pipeline.config import GateConfig
from schema import features
from schema.criteria import Comparison, Criterion, Kind
from schema.metrics import MEAN_SLICE_DICE, POOLED_DICE, Metric
from schema.slice_keys import ALL


def gate_criteria(gate: GateConfig) -> tuple[Criterion, ...]:
    """What a model must reach on the eval split to be blessed, in the order of the tables."""
    return (
        _reaches(POOLED_DICE, gate.pooled_dice),
        _is_no_worse(POOLED_DICE, gate.max_drop_against_last_blessed),
        _reaches(MEAN_SLICE_DICE, gate.mean_slice_dice),
        *(
            _reaches(POOLED_DICE, gate.bucket_pooled_dice[bucket], bucket)
            for bucket in features.BUCKETS
            if bucket in gate.bucket_pooled_dice
        ),
    )


def slice_thresholds(
    criteria: Iterable[Criterion], metric: str
) -> list[config_pb2.PerSliceMetricThreshold]:
    """TFMA's thresholds on one metric.

    A criterion is an entry of its own: without a baseline TFMA empties the entry of a change, and
    would leave the value's bound alone in an entry that held both.

    Args:
        criteria: The gate's criteria.
        metric: Key of the metric; criteria on others are passed over.
    """
    return [
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[_slicing_spec(one)], threshold=_THRESHOLDS[one.kind](one)
        )
        for one in criteria
        if one.metric == metric
    ]


def _reaches(metric: Metric, bound: float, bucket: str = ALL) -> Criterion:
    better = Comparison.AT_LEAST if metric.higher_is_better else Comparison.AT_MOST
    return Criterion(metric.key, features.SPLIT_EVAL, bucket, better, bound)


def _is_no_worse(metric: Metric, by: float) -> Criterion:
    """A change for the worse of at most `by`."""
    if metric.higher_is_better:
        comparison, bound = Comparison.AT_LEAST, 0.0 - by
    else:
        comparison, bound = Comparison.AT_MOST, by
    return Criterion(metric.key, features.SPLIT_EVAL, ALL, comparison, bound, Kind.CHANGE)


def _slicing_spec(criterion: Criterion) -> config_pb2.SlicingSpec:
    values = {features.SPLIT: criterion.split, features.SIZE_BUCKETS: criterion.bucket}
    return config_pb2.SlicingSpec(
        feature_values={feature: value for feature, value in values.items() if value != ALL}
    )


def _value_threshold(criterion: Criterion) -> config_pb2.MetricThreshold:
    bound = {"value": criterion.bound}
    if criterion.comparison is Comparison.AT_LEAST:
        threshold = config_pb2.GenericValueThreshold(lower_bound=bound)
    else:
        threshold = config_pb2.GenericValueThreshold(upper_bound=bound)
    return config_pb2.MetricThreshold(value_threshold=threshold)


def _change_threshold(criterion: Criterion) -> config_pb2.MetricThreshold:
    at_least = criterion.comparison is Comparison.AT_LEAST
    directions = config_pb2.MetricDirection
    change = config_pb2.GenericChangeThreshold(
        absolute={"value": criterion.bound},
        direction=directions.HIGHER_IS_BETTER if at_least else directions.LOWER_IS_BETTER,
    )
    return config_pb2.MetricThreshold(change_threshold=change)


_THRESHOLDS: Final[Mapping[Kind, Callable[[Criterion], config_pb2.MetricThreshold]]] = {
    Kind.VALUE: _value_threshold,
    Kind.CHANGE: _change_threshold,
}
