"""The gate's criteria as the configuration has them, for TFMA's thresholds and the report."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.section import Section
from schema import features
from schema.criteria import Comparison, Criterion
from schema.metrics import Kind, On
from schema.slice_keys import ALL


class CriterionConfig(Section):
    """One bound on one figure.

    Attributes:
        metric: Key of the metric; where it is left out, the name of the criterion is one.
        split: The split that it is about.
        bucket: The size bucket, or `all`.
        at_least: The figure must be at least this; or
        at_most: at most this.
        kind: The figure itself, its change against the last blessed model, or its gap to the train
            split.
        on: The figure, or the lower or upper bound of its interval.
        min_nodules: In a slice with fewer nodules nothing is judged.
        source: The data root by its name in figures, or `all`.
    """

    metric: str
    split: str = features.SPLIT_EVAL
    bucket: str = ALL
    at_least: float | None = None
    at_most: float | None = None
    kind: Kind = Kind.VALUE
    on: On = On.VALUE
    min_nodules: Annotated[int, Field(ge=0)] = 0
    source: str = ALL

    @model_validator(mode="after")
    def _can_be_judged(self) -> "CriterionConfig":
        if (self.at_least is None) == (self.at_most is None):
            got = f"at_least {self.at_least} and at_most {self.at_most}"
            raise ValueError(f"expected at_least or at_most, got {got}")
        self.criterion()
        return self

    def criterion(self) -> Criterion:
        """The criterion; raises ValueError where a name or number is none."""
        wants_less = self.at_most is not None
        bound = self.at_most if wants_less else self.at_least
        return Criterion(
            metric=self.metric,
            split=self.split,
            bucket=self.bucket,
            comparison=Comparison.AT_MOST if wants_less else Comparison.AT_LEAST,
            bound=float(bound or 0.0),
            kind=self.kind,
            on=self.on,
            min_nodules=self.min_nodules,
            source=self.source,
        )


def _named(gate: Any) -> Any:
    """The gate as it was read, where each criterion has a metric."""
    if not isinstance(gate, dict):
        return gate
    return {
        name: {"metric": name, **one} if isinstance(one, dict) else one
        for name, one in gate.items()
    }


def _each_once(gate: dict[str, CriterionConfig]) -> dict[str, CriterionConfig]:
    """The same gate; refuses criteria that could not be told apart."""
    names: dict[str, str] = {}
    for name, one in gate.items():
        first = names.setdefault(one.criterion().text, name)
        if first != name:
            raise ValueError(f"expected each criterion once, got {first} and {name}")
    return gate


# What a model must reach to be blessed: criteria by names that the user chooses.
GateConfig = Annotated[
    dict[str, CriterionConfig],
    Field(min_length=1),
    BeforeValidator(_named),
    AfterValidator(_each_once),
]


def gate_criteria(gate: GateConfig) -> tuple[Criterion, ...]:
    """What a model must reach to be blessed, in the order of the configuration."""
    return tuple(one.criterion() for one in gate.values())
