"""The gate: from the configuration to its criteria, and from these to TFMA's thresholds."""

from pipeline.config import CriterionConfig, GateConfig
from schema.criteria import Comparison, Criterion


def gate_criteria(gate: GateConfig) -> tuple[Criterion, ...]:
    """What a model must reach to be blessed, in the order of the configuration."""
    return tuple(_criterion(name, one) for name, one in gate.items())


def _criterion(name: str, asked: CriterionConfig) -> Criterion:
    comparison, bound = (
        (Comparison.AT_MOST, asked.at_most)
        if asked.at_least is None
        else (Comparison.AT_LEAST, asked.at_least)
    )
    return Criterion(
        metric=asked.metric or name,
        split=asked.split,
        bucket=asked.bucket,
        comparison=comparison,
        bound=bound,
        kind=asked.kind,
        on=asked.on,
        min_nodules=asked.min_nodules,
    )
