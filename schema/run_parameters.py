"""What an operator may change from run to run of a compiled job, and what components make of it.

A compiled job has these as parameters with the configuration's values as defaults. Components get
them beside what they were compiled with, and what they then do is what a job would do that was
compiled with these values: each function here takes what was compiled and returns that.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from schema.criteria import Criterion

# Names of the parameters, in the job and in the components.
DATA_ROOT: Final = "data_root"
EPOCHS: Final = "epochs"
GATE_BOUNDS: Final = "gate_bounds"
PUSH: Final = "push"

# Key of a criterion's name in the JSON of a gate.
NAME: Final = "name"


def named_criteria_json(gate: Mapping[str, Criterion]) -> str:
    """The criteria of a gate as JSON, each with its name; `criteria_from_json` reads it too."""
    return json.dumps([{NAME: key, **one.to_json()} for key, one in gate.items()], sort_keys=True)


def bounds_json(gate: Mapping[str, Criterion]) -> str:
    """The bound of each criterion by its name: the value of `gate_bounds`."""
    return json.dumps({key: one.bound for key, one in gate.items()}, sort_keys=True)


def read_bounds(text: str) -> dict[str, float]:
    """Reads the value of `gate_bounds`.

    Raises:
        ValueError: It is no JSON object of finite numbers.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = None
    numbers: list[Any] = list(content.values()) if isinstance(content, dict) else [None]
    if not all(type(one) in (int, float) and math.isfinite(one) for one in numbers):
        raise ValueError(f"expected {GATE_BOUNDS} as a JSON object of numbers by name, got {text}")
    return {name: float(bound) for name, bound in dict(content or {}).items()}


def read_switch(text: str) -> bool:
    """Reads the value of `push`.

    Raises:
        ValueError: It is neither `true` nor `false`.
    """
    if text not in ("true", "false"):
        raise ValueError(f"expected {PUSH} to be true or false, got {text!r}")
    return text == "true"


def wants_push(exec_properties: Mapping[str, Any]) -> bool:
    """Whether the run is to push a blessed model; it is where nothing is said.

    Args:
        exec_properties: Parameters of a Pusher, perhaps with `push`.

    Raises:
        ValueError: `push` is neither true nor false.
    """
    return read_switch(exec_properties.get(PUSH) or "true")


def replaced_criteria(named_criteria: str, bounds: str) -> dict[Criterion, Criterion]:
    """Each criterion as it was compiled, and with the bound of the run.

    Args:
        named_criteria: By `named_criteria_json`.
        bounds: The value of `gate_bounds`; a criterion that it leaves out keeps its bound.

    Raises:
        ValueError: It names a criterion that is none, or is no JSON object of numbers.
    """
    compiled = {one[NAME]: Criterion.from_json(one) for one in json.loads(named_criteria)}
    asked = read_bounds(bounds)
    unknown = sorted(set(asked) - set(compiled))
    if unknown:
        raise ValueError(
            f"expected {GATE_BOUNDS} of {', '.join(compiled)}, got {', '.join(unknown)}"
        )
    return {one: replace(one, bound=asked.get(name, one.bound)) for name, one in compiled.items()}


def with_epochs(learning: Mapping[str, Any], epochs: int | None) -> dict[str, Any]:
    """What the Trainer is given, with the epochs of the run; None leaves those compiled."""
    if epochs is None:
        return dict(learning)
    return {**learning, "training": {**learning["training"], "epochs": int(epochs)}}


def with_data_root(data: Mapping[str, Any], path: str | None) -> dict[str, Any]:
    """A section with `roots`, with the path of the run in place of that of its only root.

    Args:
        data: The section `data` of a configuration, or a request of CtExampleGen, as plain JSON.
        path: The folder; None leaves what was compiled.

    Raises:
        ValueError: There are several roots, or none.
    """
    if path is None:
        return dict(data)
    roots = data["roots"]
    if len(roots) != 1:
        raise ValueError(f"expected one data root for {DATA_ROOT} {path}, got {len(roots)}")
    return {**data, "roots": [{**roots[0], "path": path}]}


def with_run_parameters(
    configuration: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """A configuration as plain JSON, with the values of the run: for reports.

    Args:
        configuration: As it was compiled.
        parameters: Values by the names above; others are passed over.
    """
    changed = with_epochs(configuration, parameters.get(EPOCHS))
    if parameters.get(DATA_ROOT) is not None:
        changed["data"] = with_data_root(configuration["data"], parameters[DATA_ROOT])
    bounds = read_bounds(parameters.get(GATE_BOUNDS) or "{}")
    changed["gate"] = {
        name: _with_bound(one, bounds.get(name)) for name, one in configuration["gate"].items()
    }
    return changed


def _with_bound(criterion: Mapping[str, Any], bound: float | None) -> dict[str, Any]:
    """A criterion of a configuration with another bound; None leaves it as it is."""
    if bound is None:
        return dict(criterion)
    key = "at_most" if criterion.get("at_most") is not None else "at_least"
    return {**criterion, key: bound}
