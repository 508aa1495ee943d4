"""What earlier emulated runs left: executions with their outputs, as Vertex AI's metadata has them.

One line of JSON for each execution that ended well, in the order in which they ended.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runner.emulation.artifacts import Artifact
from runner.usage import UsageError

EXECUTIONS_FILE: Final = "executions.jsonl"
_NAME: Final = "projects/emulated/locations/local/metadataStores/default/artifacts/"


@dataclass(frozen=True)
class Execution:
    """What a task made.

    Attributes:
        task: The task's name.
        fingerprint: Of all that it was made from.
        outputs: The artifacts by output.
        parameters: The values of its output parameters.
    """

    task: str
    fingerprint: str
    outputs: Mapping[str, tuple[Artifact, ...]]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As a line of the file has it."""
        outputs = {key: [one.as_json() for one in many] for key, many in self.outputs.items()}
        return {
            "task": self.task,
            "fingerprint": self.fingerprint,
            "outputs": outputs,
            "parameters": dict(self.parameters),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Execution":
        """Reads what `as_json` gave."""
        outputs = {
            key: tuple(map(Artifact.from_json, many)) for key, many in content["outputs"].items()
        }
        return cls(content["task"], content["fingerprint"], outputs, content["parameters"])


class Store:
    """The executions of all emulated runs that wrote to one folder."""

    def __init__(self, folder: str) -> None:
        """Reads what is there.

        Args:
            folder: Where the file lies, or will.

        Raises:
            UsageError: A line of the file is none of ours.
        """
        self._path = os.path.join(folder, EXECUTIONS_FILE)
        self._executions: list[Execution] = []
        if os.path.exists(self._path):
            with open(self._path, encoding="utf-8") as file:
                self._executions = [self._read(number, line) for number, line in enumerate(file)]

    def _read(self, number: int, line: str) -> Execution:
        try:
            return Execution.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            expected = (
                "expected an execution of an earlier emulation: remove the line or the folder"
            )
            raise UsageError(f"{self._path}, line {number + 1}: {expected}") from None

    def add(self, execution: Execution) -> None:
        """Keeps an execution."""
        self._executions.append(execution)
        line = json.dumps(execution.as_json()) + "\n"
        # Without a buffer, so that a run that is killed leaves no half of a line.
        with open(self._path, "ab", buffering=0) as file:
            file.write(line.encode())

    def find(self, task: str, fingerprint: str) -> Execution | None:
        """The last execution of a task with such a fingerprint; None where there is none."""
        for execution in reversed(self._executions):
            if (execution.task, execution.fingerprint) == (task, fingerprint):
                return execution
        return None

    def newest_first(self) -> Iterator[Artifact]:
        """All artifacts, those of the last execution first."""
        for execution in reversed(self._executions):
            for artifacts in execution.outputs.values():
                yield from artifacts

    def new_name(self, task_folder: str, key: str) -> str:
        """A name that no other artifact has.

        Args:
            task_folder: Name of the folder of the execution, which no other has.
            key: The output.
        """
        return f"{_NAME}{task_folder}.{key}"
