"""One task, from its inputs to its outputs: driver, cache, command, metadata."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from runner.emulation.artifacts import Artifact
from runner.emulation.conditions import holds
from runner.emulation.executor_input import Inputs, executor_input
from runner.emulation.job import CONTAINER, IMPORTER, JobParameter, Task
from runner.emulation.machines import Machine
from runner.emulation.parsing import constant, value_of
from runner.emulation.placeholders import rendered
from runner.emulation.resolving import resolve
from runner.emulation.store import Execution, Store

OUTPUT_FILE: Final = "executor_output.json"


class TaskError(RuntimeError):
    """A task did not end well; the text says how."""


@dataclass(frozen=True)
class Folders:
    """Where a run writes.

    Attributes:
        artifacts: Below it, a folder for each task.
        logs: A file for each task.
    """

    artifacts: str
    logs: str

    def log(self, task: str) -> str:
        """The file of a task."""
        return os.path.join(self.logs, f"{task}.log")


@dataclass(frozen=True)
class Done:
    """What a task made.

    Attributes:
        execution: Its outputs.
        cached: Whether they are those of an earlier run.
    """

    execution: Execution
    cached: bool = False


class TaskRunner:
    """Runs the tasks of one run."""

    def __init__(self, machine: Machine, store: Store, folders: Folders, legacy: bool) -> None:
        """Keeps what all tasks share.

        Args:
            machine: Where commands run.
            store: What earlier runs left; what tasks make is added.
            folders: Where the run writes.
            legacy: Whether parameters travel as schema 2.0 has them.
        """
        self._machine, self._store, self._folders = machine, store, folders
        self._legacy = legacy

    def run(self, task: Task, inputs: Inputs) -> Done | None:
        """Runs a task.

        Args:
            task: The task.
            inputs: What it takes.

        Returns:
            What it made; None where its condition does not hold.

        Raises:
            TaskError: Its command failed, or did not leave what it must.
            UsageError: The job says what is not known here.
        """
        folder = os.path.join(self._folders.artifacts, task.name)
        files = {key: os.path.join(folder, "parameters", key) for key in task.output_parameters}
        attempt = _Attempt(task, inputs, self._new_outputs(task, folder), files, folder)
        if task.condition and not holds(task.condition, attempt.input(self._legacy)):
            return None
        if task.kind == CONTAINER:
            return self._run_container(attempt)
        if task.kind == IMPORTER:
            made = self._imported(task, inputs)
        else:
            queries = task.executor["outputArtifactQueries"]
            found = self._store.newest_first()
            made = resolve(queries, attempt.input(self._legacy), found)
        return self._kept(Execution(task.name, "", made))

    def _new_outputs(self, task: Task, folder: str) -> dict[str, Artifact]:
        place = os.path.join(*folder.split(os.sep)[-2:])
        return {
            key: Artifact(self._store.new_name(place, key), kind, os.path.join(folder, key))
            for key, kind in task.output_types.items()
        }

    def _imported(self, task: Task, inputs: Inputs) -> dict[str, tuple[Artifact, ...]]:
        """The artifact of an importer: the one that is known already, or a new one."""
        ((key, kind),) = task.output_types.items()
        uri = value_of(task.executor["artifactUri"])
        if isinstance(uri, JobParameter):
            uri = inputs.parameters[uri.name]
        place = os.path.join(os.path.basename(self._folders.artifacts), task.name)
        new = Artifact(
            self._store.new_name(place, key), kind, str(uri), task.executor.get("metadata", {})
        )
        if task.executor.get("reimport"):
            return {key: (new,)}
        known = (one for one in self._store.newest_first() if one.uri == new.uri)
        return {key: (next((one for one in known if one.title == new.title), new),)}

    def _run_container(self, attempt: "_Attempt") -> Done:
        os.makedirs(attempt.folder)
        if self._machine.shared:
            os.chmod(attempt.folder, 0o777)
        hook = attempt.task.executor.get("lifecycle", {}).get("preCacheCheck")
        if hook:
            self._command(attempt, hook, "its driver")
            attempt = attempt.updated()
        fingerprint = attempt.fingerprint(self._machine.label)
        if attempt.task.cached:
            earlier = self._store.find(attempt.task.name, fingerprint)
            if earlier is not None:
                return Done(earlier, cached=True)
        self._make_folders(attempt)
        self._command(attempt, attempt.task.executor, "it")
        attempt = attempt.updated()
        outputs = {key: (one,) for key, one in attempt.outputs.items()}
        return self._kept(
            Execution(attempt.task.name, fingerprint, outputs, attempt.output_parameters())
        )

    def _kept(self, execution: Execution) -> Done:
        self._store.add(execution)
        return Done(execution)

    def _make_folders(self, attempt: "_Attempt") -> None:
        """Makes the folders of outputs, as a bucket needs none."""
        for folder in (*(one.uri for one in attempt.outputs.values()), *attempt.parents()):
            os.makedirs(folder, exist_ok=True)
            if self._machine.shared:
                os.chmod(folder, 0o777)

    def _command(self, attempt: "_Attempt", spec: Mapping[str, Any], what: str) -> None:
        """Runs the command of a task or of its driver."""
        given = [*spec.get("command", ()), *spec.get("args", ())]
        if not spec.get("command"):
            raise TaskError(f"expected a command in the job, got none: {what} is the image's own")
        content = attempt.input(self._legacy)
        try:
            command = [rendered(part, content) for part in given]
        except KeyError as error:
            raise TaskError(f"expected {error} among what it takes, got none") from None
        status = self._machine.run(command, self._folders.log(attempt.task.name))
        if status:
            raise TaskError(f"{what} ended with exit status {status}")


@dataclass(frozen=True)
class _Attempt:
    """A container task on its way."""

    task: Task
    inputs: Inputs
    outputs: Mapping[str, Artifact]
    files: Mapping[str, str]
    folder: str

    @property
    def output_file(self) -> str:
        return os.path.join(self.folder, OUTPUT_FILE)

    def input(self, legacy: bool) -> dict[str, Any]:
        files = {**self.files, "": self.output_file}
        return executor_input(self.inputs, self.outputs, files, legacy)

    def parents(self) -> Sequence[str]:
        return [os.path.dirname(path) for path in self.files.values()]

    def updated(self) -> "_Attempt":
        """With what the command wrote of parameters and artifacts, where it wrote something."""
        if not os.path.exists(self.output_file):
            return self
        with open(self.output_file, encoding="utf-8") as file:
            try:
                content = json.load(file)
            except ValueError as error:
                raise TaskError(f"expected JSON in {self.output_file}, got {error}") from None
        given = {key: constant(one) for key, one in content.get("parameters", {}).items()}
        given |= content.get("parameterValues", {})
        made = {key: many["artifacts"] for key, many in content.get("artifacts", {}).items()}
        outputs = {
            key: _merged(one, made[key][0]) if made.get(key) else one
            for key, one in self.outputs.items()
        }
        inputs = replace(self.inputs, parameters={**self.inputs.parameters, **given})
        return replace(self, inputs=inputs, outputs=outputs)

    def output_parameters(self) -> dict[str, Any]:
        """The values that were written, each to its file or all to that of the whole output."""
        values = {}
        for key, path in self.files.items():
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    values[key] = file.read()
            elif key in self.inputs.parameters:
                values[key] = self.inputs.parameters[key]
            else:
                raise TaskError(f"expected the output parameter {key} in {path}, got none")
        return values

    def fingerprint(self, label: str) -> str:
        """Of all that decides on the outputs, as Vertex AI has it: not of the data themselves."""
        executor = {key: self.task.executor.get(key) for key in ("image", "command", "args")}
        artifacts = {key: [one.name for one in many] for key, many in self.inputs.artifacts.items()}
        content = {
            "executor": executor,
            "machine": label,
            "parameters": dict(self.inputs.parameters),
            "artifacts": artifacts,
            "outputs": {key: dict(kind) for key, kind in self.task.output_types.items()},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _merged(artifact: Artifact, written: Mapping[str, Any]) -> Artifact:
    metadata = {**artifact.metadata, **written.get("metadata", {})}
    return replace(artifact, uri=written.get("uri") or artifact.uri, metadata=metadata)
