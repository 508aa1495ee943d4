"""What TFMA is asked: metrics, slices and the thresholds of the gate."""

import json
from collections.abc import Sequence
from typing import Final

from tensorflow_model_analysis.proto import config_pb2

from pipeline.entry_points import METRICS_MODULE
from pipeline.gate import slice_thresholds
from schema import features
from schema.criteria import Criterion
from schema.metrics import METRICS

BASELINE: Final = "baseline"
CANDIDATE: Final = "candidate"
METRIC_CLASS: Final = "SegmentationMetric"
SLICES: Final = (
    (features.SPLIT,),
    (features.SPLIT, features.SIZE_BUCKETS),
    (features.SPLIT, features.SOURCE),
)


def eval_config(
    criteria: Sequence[Criterion], probability_threshold: float, code_hash: str
) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration.

    Args:
        criteria: The gate's criteria; without any, no baseline is compared with.
        probability_threshold: Probability from which a voxel is predicted.
        code_hash: Hash of the metrics' code, so that changed metrics are computed anew.

    Returns:
        Every metric by split, by split and size bucket, and by split and data root; with criteria,
        candidate and baseline, and the criteria as thresholds.
    """
    settings = {"threshold": probability_threshold, "code_hash": code_hash}
    candidate = config_pb2.ModelSpec(name=CANDIDATE, signature_name=features.SIGNATURE_EXAMPLES)
    baseline = config_pb2.ModelSpec(
        name=BASELINE, signature_name=features.SIGNATURE_EXAMPLES, is_baseline=True
    )
    metrics = [
        config_pb2.MetricConfig(
            class_name=METRIC_CLASS,
            module=METRICS_MODULE,
            config=json.dumps({"name": metric.key, **settings}, sort_keys=True),
            per_slice_thresholds=slice_thresholds(criteria, metric.key),
        )
        for metric in METRICS
    ]
    return config_pb2.EvalConfig(
        model_specs=[candidate, baseline] if criteria else [candidate],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in SLICES],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )
