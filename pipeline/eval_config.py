"""What TFMA is asked: metrics, slices and the thresholds of the gate."""

import json

from tensorflow_model_analysis.proto import config_pb2

from pipeline.config import Config
from pipeline.entry_points import METRICS_MODULE
from schema import features

BASELINE = "baseline"
CANDIDATE = "candidate"
POOLED_DICE, MEAN_SLICE_DICE = "PooledDice", "MeanSliceDice"
METRIC_CLASSES = (POOLED_DICE, MEAN_SLICE_DICE, "PooledPrecision", "PooledRecall")


def eval_config(config: Config, source_hash: str, gate: bool = True) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration.

    Args:
        config: The run's configuration.
        source_hash: Hash of the metrics' source, so that changed metrics are computed anew.
        gate: Whether to compare with a baseline and to enforce the gate's thresholds.

    Returns:
        Every metric by split and by split and size bucket; with a gate, candidate and baseline,
        and the gate's thresholds on the eval split.
    """
    slices = [[features.SPLIT], [features.SPLIT, features.SIZE_BUCKETS]]
    candidate = config_pb2.ModelSpec(name=CANDIDATE, signature_name=features.SIGNATURE_EXAMPLES)
    baseline = config_pb2.ModelSpec(
        name=BASELINE, signature_name=features.SIGNATURE_EXAMPLES, is_baseline=True
    )
    return config_pb2.EvalConfig(
        model_specs=[candidate, baseline] if gate else [candidate],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in slices],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[_metric(name, config, source_hash, gate) for name in METRIC_CLASSES]
            )
        ],
    )


def _metric(name: str, config: Config, source_hash: str, gate: bool) -> config_pb2.MetricConfig:
    settings = {"threshold": config.evaluation.probability_threshold, "source_hash": source_hash}
    return config_pb2.MetricConfig(
        class_name=name,
        module=METRICS_MODULE,
        config=json.dumps(settings, sort_keys=True),
        per_slice_thresholds=_thresholds(name, config) if gate else [],
    )


def _thresholds(name: str, config: Config) -> list[config_pb2.PerSliceMetricThreshold]:
    gate = config.gate
    if name == MEAN_SLICE_DICE:
        return [_on_eval({}, _at_least(gate.mean_slice_dice))]
    if name != POOLED_DICE:
        return []
    buckets = sorted(gate.bucket_pooled_dice.items())
    return [
        _on_eval({}, _at_least(gate.pooled_dice)),
        *(_on_eval({features.SIZE_BUCKETS: name}, _at_least(low)) for name, low in buckets),
        # On its own: without a baseline TFMA empties it, and the report says "not applicable".
        _on_eval({}, _drop_at_most(gate.max_drop_against_last_blessed)),
    ]


def _drop_at_most(bound: float) -> config_pb2.MetricThreshold:
    change = config_pb2.GenericChangeThreshold(
        absolute={"value": -bound}, direction=config_pb2.MetricDirection.HIGHER_IS_BETTER
    )
    return config_pb2.MetricThreshold(change_threshold=change)


def _at_least(bound: float) -> config_pb2.MetricThreshold:
    lower = config_pb2.GenericValueThreshold(lower_bound={"value": bound})
    return config_pb2.MetricThreshold(value_threshold=lower)


def _on_eval(
    values: dict[str, str], threshold: config_pb2.MetricThreshold
) -> config_pb2.PerSliceMetricThreshold:
    where = config_pb2.SlicingSpec(feature_values={features.SPLIT: features.SPLIT_EVAL, **values})
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=threshold)
