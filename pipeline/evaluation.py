"""How a configuration is made one that judges a pushed model, without training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lungct.grid import Grid
from pipeline.config import Config
from pipeline.gate import CriterionConfig
from schema import features
from schema.metrics import Kind
from schema.model_facts import ModelFacts
from schema.slice_keys import ALL
from schema.splits import EVAL_ONLY

# Of the configuration and of a model's facts, and what people are told they are.
_THRESHOLDS: Final = {
    "probability_threshold": "probability threshold",
    "nodule_threshold": "nodule threshold",
}


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

    All scans of the data roots are in the eval split; working grid and thresholds are those of
    the model; the gate has the criteria on figures that there are.

    Args:
        config: What the user asks for.
        facts: Of the model.

    Returns:
        The configuration, and what of the user's was overridden, one line each.

    Raises:
        ValueError: No criterion of the gate is left.
    """
    data = replace(config.data, with_phantom=False)  # a model may have been trained on it
    unjudged = {name: _why_not_judged(one, data.sources) for name, one in config.gate.items()}
    gate = {name: one for name, one in config.gate.items() if not unjudged[name]}
    if not gate:
        raise ValueError(
            "expected a criterion of the gate on a figure of the eval split of data that are "
            f"judged, got {', '.join(f'{name} ({why})' for name, why in unjudged.items())}"
        )
    own = {name: getattr(facts, name) for name in _THRESHOLDS}
    evaluation = config.evaluation.model_copy(update=own)
    changed = {
        "data": data,
        "split": EVAL_ONLY,
        "grid": facts.grid,
        "evaluation": evaluation,
        "gate": gate,
    }
    return config.model_copy(update=changed), tuple(_overridden(config, facts, unjudged))


def _why_not_judged(one: CriterionConfig, sources: Sequence[str]) -> str:
    """Why there is no such figure of a pushed model; empty where there is."""
    if one.kind is Kind.CHANGE:
        return "there is no model to compare with"
    if one.kind is Kind.GAP or one.split not in (features.SPLIT_EVAL, ALL):
        return "all scans are in the eval split"
    if one.source not in (ALL, *sources):
        return f"the data roots are {', '.join(sources)}"
    return ""


def _overridden(config: Config, facts: ModelFacts, unjudged: Mapping[str, str]) -> Iterator[str]:
    if config.data.roots and config.data.with_phantom:
        yield "no phantom is made beside the data; the configuration asks for one"
    if config.grid != facts.grid:
        ours, theirs = _grid_text(facts.grid), _grid_text(config.grid)
        yield f"the working grid is that of the model, {ours}; the configuration has {theirs}"
    for name, words in _THRESHOLDS.items():
        asked, own = getattr(config.evaluation, name), getattr(facts, name)
        if asked != own:
            yield f"the {words} is that of the model, {own:g}; the configuration has {asked:g}"
    for why in dict.fromkeys(filter(None, unjudged.values())):
        names = (name for name, reason in unjudged.items() if reason == why)
        yield f"left out of the gate, as {why}: {', '.join(names)}"


def _grid_text(grid: Grid) -> str:
    spacing = " × ".join(f"{mm:g}" for mm in grid.spacing_mm)
    return f"{spacing} mm with context {grid.context} and a margin of {grid.margin_mm:g} mm"
