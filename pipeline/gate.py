"""The gate's criteria, once: for TFMA's thresholds and for the report."""

from pipeline.config import GateConfig
from schema.criteria import Criterion


def gate_criteria(gate: GateConfig) -> tuple[Criterion, ...]:
    """What a model must reach to be blessed, in the order of the configuration."""
    return tuple(one.criterion() for one in gate.values())
