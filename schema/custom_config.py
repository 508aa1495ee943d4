"""The `custom_config` that Transform and Trainer receive, as typed hyperparameters."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from lungct.grid import Grid
from schema.hyperparameters import (
    Augmentation,
    Balance,
    Hyperparameters,
    Intensity,
    Loss,
    Training,
    UNet,
)

_Section = TypeVar("_Section")


def parse(config: Mapping[str, Any]) -> Hyperparameters:
    """Turns the pipeline's `custom_config` into typed hyperparameters.

    Keys that are none of ours, such as hashes of the code, are passed over: the runner has
    validated the configuration file as a whole.

    Args:
        config: The sections `grid`, `intensity`, `model` and `training`, and both thresholds,
            `probability_threshold` and `nodule_threshold`. A JSON string in place of a section is
            not accepted.

    Raises:
        ValueError: A section or a value without default is missing, or a value is out of range.
    """
    training = dict(_mapping(config, "training"))
    training["augmentation"] = _section(Augmentation, training.get("augmentation") or {})
    training["balance"] = _section(Balance, training.get("balance") or {})
    training["loss"] = _section(Loss, training.get("loss") or {})
    return Hyperparameters(
        grid=_section(Grid, _mapping(config, "grid")),
        intensity=parse_intensity(config),
        model=_section(UNet, _mapping(config, "model")),
        training=_section(Training, training),
        probability_threshold=float(
            config.get("probability_threshold", Hyperparameters.probability_threshold)
        ),
        nodule_threshold=float(config.get("nodule_threshold", Hyperparameters.nodule_threshold)),
    )


def parse_grid(config: Mapping[str, Any]) -> Grid:
    """The `grid` section alone, for the report."""
    return _section(Grid, _mapping(config, "grid"))


def parse_intensity(config: Mapping[str, Any]) -> Intensity:
    """The `intensity` section alone, for Transform."""
    window = _mapping(config, "intensity").get("window_hu")
    if not isinstance(window, (list, tuple)) or len(window) != 2:
        raise ValueError(f"expected window_hu of two numbers, got {window!r}")
    return Intensity(window_hu=(window[0], window[1]))


def _mapping(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    if not isinstance(section, Mapping):
        raise ValueError(f"expected a section {name!r} in custom_config, got {section!r}")
    return section


def _section(kind: type[_Section], values: Mapping[str, Any]) -> _Section:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: value for name, value in values.items() if name in known})
    except TypeError as error:
        raise ValueError(f"expected all values of {kind.__name__}, got {values!r}: {error}") from (
            error
        )
