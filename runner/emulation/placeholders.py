"""Placeholders in the command of a container: `{{$}}`, or a part of the ExecutorInput."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from runner.emulation.parsing import constant
from runner.usage import UsageError

_PLACEHOLDER: Final = re.compile(r"\{\{\$(.*?)\}\}")
_STEP: Final = re.compile(r"\.(\w+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")
_NAMES: Final = {"output_file": "outputFile", "parameter_values": "parameterValues"}


def rendered(text: str, executor_input: Mapping[str, Any]) -> str:
    """Replaces the placeholders in a text.

    Args:
        text: An argument, a part of a command, or the filter of a resolver.
        executor_input: The ExecutorInput as JSON.

    Returns:
        The text; what is no text itself stands there as JSON.

    Raises:
        KeyError: A placeholder names an artifact or a property that is not there.
        UsageError: A placeholder is of an unknown form.
    """
    return _PLACEHOLDER.sub(lambda found: _text(part_of(executor_input, found[1])), text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def part_of(executor_input: Mapping[str, Any], path: str) -> Any:
    """Follows a path such as `.inputs.artifacts['model'].uri`.

    Args:
        executor_input: The ExecutorInput as JSON.
        path: The steps; an empty one leads to the whole.

    Raises:
        KeyError: Something on the way is not there.
        UsageError: A step is of an unknown form.
    """
    value: Any = executor_input
    steps = list(_STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        raise UsageError(f"expected a part of the executor's input, got {{{{${path}}}}}")
    for step in steps:
        value = _step(value, next(part for part in step.groups() if part is not None))
    return constant(value)


def _step(value: Any, name: str) -> Any:
    if isinstance(value, list):
        if int(name) >= len(value):
            raise KeyError(f"[{name}]")
        return value[int(name)]
    if isinstance(value, dict) and "artifacts" in value and isinstance(value["artifacts"], list):
        # Of an artifact that is one of a list, the first is meant.
        if name == "artifacts":
            return value["artifacts"]
        value = dict(enumerate(value["artifacts"])).get(0, {})
    if name == "value" and "uri" in value:
        with open(os.path.join(value["uri"], "value"), encoding="utf-8") as file:
            return file.read()
    return value[_NAMES.get(name, name)]
