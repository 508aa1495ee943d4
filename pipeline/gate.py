"""The gate: from the configuration to its criteria, and from these to TFMA's thresholds."""

from pipeline.config import CriterionConfig, GateConfig
from schema.criteria import Criterion


def gate_criteria(gate: GateConfig) -> tuple[Criterion, ...]:
    """What a model must reach to be blessed, in the order of the configuration."""
    return tuple(_criterion(name, one) for name, one in gate.items())


def _criterion(name: str, asked: CriterionConfig) -> Criterion:
    comparison, bound = asked.bound
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
