"""The parameters of a compiled job: their values, and the keys of the configuration behind them.

TFX's KubeflowV2 compiler makes a parameter of the job out of a whole execution property of a
component, and only of one that is a text or a number. What is an operator's to change lies deeper,
in JSON: so each value is an execution property of its own, beside that JSON, and `components` put
it into its place (`schema.run_parameters`). Everything else is changed by compiling again with
`--set`: that takes seconds, and TFX's cache is the same.
"""

import json
from collections.abc import Mapping
from typing import Final

from pipeline.config import Config
from pipeline.gate import GateConfig
from schema.criteria import Criterion
from schema.run_parameters import DATA_ROOT, EPOCHS, GATE_BOUNDS, PUSH, bounds_json, read_bounds

Value = int | str

# Which tasks read which parameter.
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "CtExampleGen": (DATA_ROOT,),
    "Trainer": (EPOCHS,),
    "Evaluator": (GATE_BOUNDS,),
    "Pusher": (PUSH,),
    # It shows the values of the run.
    "ReportGen": (DATA_ROOT, EPOCHS, GATE_BOUNDS),
}


class ParameterError(ValueError):
    """A parameter can't be given so; the text is one line."""


def named_gate(gate: GateConfig) -> dict[str, Criterion]:
    """The criteria by the names that the user chose."""
    return {name: one.criterion() for name, one in gate.items()}


def run_parameters(config: Config) -> dict[str, Value]:
    """The parameters of a job, with the configuration's values.

    Args:
        config: A configuration with a section `vertex`.

    Returns:
        Values by name. Without exactly one data root there is no `data_root`: which of several it
        would replace is not said by a path.
    """
    values: dict[str, Value] = {
        EPOCHS: config.training.epochs,
        GATE_BOUNDS: bounds_json(named_gate(config.gate)),
        PUSH: json.dumps(config.vertex is None or config.vertex.push.enabled),
    }
    if len(config.data.roots) == 1:
        values[DATA_ROOT] = config.data.roots[0].path
    return values


def overrides_of(config: Config, given: Mapping[str, str]) -> list[str]:
    """What `--set` would be given for parameters, so that the configuration's own rules hold.

    Args:
        config: The configuration.
        given: Parameters as they stand on the command line: names as the job has them, or
            `gate_bounds.NAME` for one bound.

    Returns:
        `key=value` texts.

    Raises:
        ParameterError: There is no such parameter.
    """
    return [text for name, value in given.items() for text in _override(config, name, value)]


def _override(config: Config, name: str, value: str) -> list[str]:
    known = run_parameters(config)
    first, _, criterion = name.partition(".")
    if first not in known or (criterion and first != GATE_BOUNDS):
        raise ParameterError(
            f"--parameter {name}={value}: expected one of {', '.join(sorted(known))}, got {name}"
        )
    if first == EPOCHS:
        return [f"training.epochs={value}"]
    if first == PUSH:
        return [f"vertex.push.enabled={value}"]
    if first == DATA_ROOT:
        root = {**vars(config.data.roots[0]), "path": value}
        return [f"data.roots={json.dumps([root])}"]
    try:
        bounds = read_bounds(json.dumps({criterion: json.loads(value)}) if criterion else value)
    except ValueError:
        expected = "a number" if criterion else 'numbers by criterion, as in {"pooled_dice": 0.7}'
        raise ParameterError(f"--parameter {name}: expected {expected}, got {value}") from None
    return [_bound_override(config.gate, key, bound) for key, bound in bounds.items()]


def _bound_override(gate: GateConfig, name: str, bound: float) -> str:
    if name not in gate:
        raise ParameterError(
            f"--parameter {GATE_BOUNDS}: expected criteria of {', '.join(gate)}, got {name}"
        )
    key = "at_most" if gate[name].at_most is not None else "at_least"
    return f"gate.{name}.{key}={bound}"
