"""What TFMA is asked: figures, slices and the thresholds of the gate."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from pipeline.entry_points import METRICS_MODULE
from schema import features
from schema.criteria import Criterion
from schema.metrics import Kind
from schema.slice_keys import ALL

# Classes of METRICS_MODULE.
FIGURES_CLASS: Final = "Figures"
MARGIN_CLASS: Final = "GateMargin"
JUDGED_CLASS: Final = "JudgedCriteria"
JUDGED_NAME: Final = "criteria that could be judged"

# The whole, where the gate is judged; size buckets over all splits, where gaps are; what is shown.
# A criterion on a data root adds the slices that it needs: each takes all figures of its own.
SLICES: Final = (
    (),
    (features.SIZE_BUCKETS,),
    (features.SPLIT,),
    (features.SPLIT, features.SIZE_BUCKETS),
    (features.SPLIT, features.SOURCE),
)


@dataclass(frozen=True)
class Drawing:
    """How intervals are made.

    Attributes:
        replicates: How often patients are drawn.
        code_hash: Hash of the metrics' code, so that changed metrics are computed anew.
    """

    replicates: int
    code_hash: str


def eval_config(criteria: Sequence[Criterion], drawing: Drawing) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration for the rows of SegmentScans.

    Args:
        criteria: The gate's criteria.
        drawing: How intervals are made.

    Returns:
        Every figure of candidate and baseline by split, size bucket and data root. Each criterion
        is a metric of its own, its margin, which must not be negative; so is the number of those
        that could be judged, which must not be 0. The Evaluator takes the baseline out where there
        is none.
    """
    code = {"code_hash": drawing.code_hash}
    drawn = {**code, "replicates": drawing.replicates}
    metrics = [_metric(FIGURES_CLASS, drawn)]
    metrics += [
        _metric(
            MARGIN_CLASS,
            {**drawn, "name": one.text, "criterion": json.dumps(one.to_json(), sort_keys=True)},
            at_least=0.0,
        )
        for one in criteria
    ]
    if criteria:
        asked = json.dumps([one.to_json() for one in criteria], sort_keys=True)
        judged = {**code, "name": JUDGED_NAME, "criteria": asked}
        metrics.append(_metric(JUDGED_CLASS, judged, at_least=1.0))
    return config_pb2.EvalConfig(
        model_specs=[_model(features.CANDIDATE), _model(features.BASELINE, is_baseline=True)],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in _slices(criteria)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _slices(criteria: Sequence[Criterion]) -> list[tuple[str, ...]]:
    asked = (keys for one in criteria if one.source != ALL for keys in _source_slices(one))
    return list(dict.fromkeys([*SLICES, *asked]))


def _source_slices(criterion: Criterion) -> Iterator[tuple[str, ...]]:
    """The slices of figure and nodules of a criterion on a data root."""
    sizes = () if criterion.bucket == ALL else (features.SIZE_BUCKETS,)
    if criterion.split != ALL:
        yield (features.SPLIT, features.SOURCE, *sizes)
    if criterion.split == ALL or criterion.kind is Kind.GAP:
        yield (features.SOURCE, *sizes)


def _metric(
    name: str, config: dict[str, Any], at_least: float | None = None
) -> config_pb2.MetricConfig:
    """A metric, with a threshold on the slice of all rows where one is given."""
    metric = config_pb2.MetricConfig(
        class_name=name, module=METRICS_MODULE, config=json.dumps(config, sort_keys=True)
    )
    if at_least is not None:
        bound = config_pb2.GenericValueThreshold(lower_bound={"value": at_least})
        metric.per_slice_thresholds.add(
            slicing_specs=[config_pb2.SlicingSpec()],
            threshold=config_pb2.MetricThreshold(value_threshold=bound),
        )
    return metric


def _model(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    """A model of which the rows hold the counts already: TFMA loads none."""
    return config_pb2.ModelSpec(
        name=name, model_type=constants.MATERIALIZED_PREDICTION, is_baseline=is_baseline
    )
