"""The ExecutorInput: what Vertex AI tells a container of its inputs and of where to write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.emulation.artifacts import Artifact


@dataclass(frozen=True)
class Inputs:
    """What a task takes.

    Attributes:
        parameters: Values by name.
        artifacts: Artifacts by name; none where a resolver found none.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, tuple[Artifact, ...]]


def executor_input(
    inputs: Inputs, outputs: Mapping[str, Artifact], files: Mapping[str, str], legacy: bool
) -> dict[str, Any]:
    """Makes the ExecutorInput as JSON.

    Args:
        inputs: What the task takes.
        outputs: The artifacts that it is to write.
        files: The file of each output parameter, and under an empty name that of the whole output.
        legacy: Whether parameters are wrapped, as schema 2.0 has them.
    """
    name = "parameters" if legacy else "parameterValues"
    parameters = {
        key: wrapped(value) if legacy else value for key, value in inputs.parameters.items()
    }
    return {
        "inputs": {name: parameters, "artifacts": _lists(inputs.artifacts)},
        "outputs": {
            "artifacts": _lists({key: (one,) for key, one in outputs.items()}),
            "parameters": {key: {"outputFile": path} for key, path in files.items() if key},
            "outputFile": files[""],
        },
    }


def wrapped(value: Any) -> dict[str, Any]:
    """A Value as schema 2.0 has it: an int as text, as JSON has no 64 bits."""
    if isinstance(value, int):
        return {"intValue": str(int(value))}
    return {"doubleValue" if isinstance(value, float) else "stringValue": value}


def _lists(artifacts: Mapping[str, tuple[Artifact, ...]]) -> dict[str, Any]:
    return {key: {"artifacts": [one.as_json() for one in many]} for key, many in artifacts.items()}
