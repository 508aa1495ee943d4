"""How a configuration is made one that judges a pushed model, without training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lungct.grid import Grid
from pipeline.config import Config, CriterionConfig
from schema import features
from schema.metrics import Kind
from schema.model_facts import ModelFacts
from schema.slice_keys import ALL
from schema.splits import EVAL_ONLY


@dataclass(frozen=True)
class EvaluatedModel:
    """A pushed model that is judged.

    Attributes:
        folder: That of its `saved_model.pb`, on this machine.
        facts: What lies beside it.
    """

    folder: str
    facts: ModelFacts


def evaluation_config(config: Config, facts: ModelFacts) -> tuple[Config, tuple[str, ...]]:
    """The configuration by which a model is judged.

    All scans of the data roots are in the eval split; working grid and probability threshold are
    those of the model; the gate has the criteria on the figures themselves, as there is nothing to
    compare with and no train split.

    Args:
        config: What the user asks for.
        facts: Of the model.

    Returns:
        The configuration, and what of the user's was overridden, one line each.

    Raises:
        ValueError: No criterion of the gate is left.
    """
    gate = {name: one for name, one in config.gate.items() if _is_judged(one)}
    if not gate:
        raise ValueError(
            "expected a criterion of the gate on a figure of the eval split, "
            f"got {', '.join(config.gate)}"
        )
    threshold = facts.probability_threshold
    evaluation = config.evaluation.model_copy(update={"probability_threshold": threshold})
    data = replace(config.data, with_phantom=False)  # a model may have been trained on it
    changed = {
        "data": data,
        "split": EVAL_ONLY,
        "grid": facts.grid,
        "evaluation": evaluation,
        "gate": gate,
    }
    return config.model_copy(update=changed), tuple(_overridden(config, facts, gate))


def _is_judged(one: CriterionConfig) -> bool:
    return one.kind is Kind.VALUE and one.split in (features.SPLIT_EVAL, ALL)


def _overridden(config: Config, facts: ModelFacts, gate: dict[str, Any]) -> Iterator[str]:
    if config.grid != facts.grid:
        ours, theirs = _grid_text(facts.grid), _grid_text(config.grid)
        yield f"the working grid is that of the model, {ours}; the configuration has {theirs}"
    asked, threshold = config.evaluation.probability_threshold, facts.probability_threshold
    if asked != threshold:
        yield (
            f"the probability threshold is that of the model, {threshold:g}; "
            f"the configuration has {asked:g}"
        )
    left_out = [name for name in config.gate if name not in gate]
    if left_out:
        yield f"left out of the gate, as there is nothing to compare with: {', '.join(left_out)}"


def _grid_text(grid: Grid) -> str:
    spacing = " × ".join(f"{mm:g}" for mm in grid.spacing_mm)
    return f"{spacing} mm with context {grid.context} and a margin of {grid.margin_mm:g} mm"
