"""What TFMA is asked: metrics, slices and the thresholds of the gate."""

import json
from collections.abc import Sequence
from typing import Final

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from pipeline.entry_points import METRICS_MODULE
from pipeline.gate import slice_thresholds
from schema import features
from schema.criteria import Criterion
from schema.metrics import METRICS

METRIC_CLASS: Final = "SegmentationMetric"
SLICES: Final = (
    (features.SPLIT,),
    (features.SPLIT, features.SIZE_BUCKETS),
    (features.SPLIT, features.SOURCE),
)


def eval_config(criteria: Sequence[Criterion], code_hash: str) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration for the rows of SegmentScans.

    Args:
        criteria: The gate's criteria; each names its split, so that no other is judged.
        code_hash: Hash of the metrics' code, so that changed metrics are computed anew.

    Returns:
        Every metric of candidate and baseline by split, by split and size bucket, and by split and
        data root, with the criteria as thresholds. The Evaluator takes the baseline out where
        there is none.
    """
    metrics = [
        config_pb2.MetricConfig(
            class_name=METRIC_CLASS,
            module=METRICS_MODULE,
            config=json.dumps({"name": metric.key, "code_hash": code_hash}, sort_keys=True),
            per_slice_thresholds=slice_thresholds(criteria, metric.key),
        )
        for metric in METRICS
    ]
    return config_pb2.EvalConfig(
        model_specs=[_model(features.CANDIDATE), _model(features.BASELINE, is_baseline=True)],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in SLICES],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _model(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    """A model of which the rows hold the counts already: TFMA loads none."""
    return config_pb2.ModelSpec(
        name=name, model_type=constants.MATERIALIZED_PREDICTION, is_baseline=is_baseline
    )
