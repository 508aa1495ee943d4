"""A compiled job: its tasks, and what each takes and gives."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What executes a task: a command in the image, or Vertex AI itself.
CONTAINER, IMPORTER, RESOLVER = "container", "importer", "resolver"


@dataclass(frozen=True)
class Source:
    """Where an input comes from: the output of a task.

    Attributes:
        task: The task's name.
        key: The output's name there.
    """

    task: str
    key: str


@dataclass(frozen=True)
class JobParameter:
    """That a task's parameter is a runtime parameter of the job, by this name."""

    name: str


@dataclass(frozen=True)
class Task:
    """One task of the job.

    Attributes:
        name: Its name in the job.
        parameters: Constants, or where the value comes from.
        artifacts: Which task each input artifact is of.
        component: Its definition: `inputDefinitions` and `outputDefinitions`.
        kind: One of `container`, `importer` and `resolver`.
        executor: What the job says of the executor.
        after: The tasks that come before it.
        condition: It runs where this holds; empty for always.
        always: Whether it runs even where a task before it failed.
        cached: Whether earlier outputs may stand for its own.
    """

    name: str
    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Source]
    component: Mapping[str, Any]
    kind: str
    executor: Mapping[str, Any]
    after: tuple[str, ...]
    condition: str
    always: bool
    cached: bool

    @property
    def output_types(self) -> dict[str, Mapping[str, Any]]:
        """The type of each output artifact."""
        declared = self.component.get("outputDefinitions", {}).get("artifacts", {})
        return {key: one["artifactType"] for key, one in declared.items()}

    @property
    def output_parameters(self) -> tuple[str, ...]:
        """The names of the output parameters."""
        return tuple(self.component.get("outputDefinitions", {}).get("parameters", {}))


@dataclass(frozen=True)
class Job:
    """A compiled job.

    Attributes:
        name: The pipeline's.
        tasks: In an order in which they can run.
        parameters: The value of each runtime parameter; None where there is none yet.
        integers: The runtime parameters that are whole numbers.
        texts: Those that are texts.
        legacy: Whether parameters travel as schema 2.0 has them.
        fails_fast: Whether nothing more is started once a task has failed.
    """

    name: str
    tasks: tuple[Task, ...]
    parameters: Mapping[str, Any]
    integers: frozenset[str]
    texts: frozenset[str]
    legacy: bool
    fails_fast: bool


def local_paths(job: Job) -> tuple[str, ...]:
    """The folders on this machine that parameters name as the place of data."""
    values = [value for task in job.tasks for value in task.parameters.values()]
    texts = [value for value in (*values, *job.parameters.values()) if isinstance(value, str)]
    return tuple(sorted({text for text in texts if os.path.isabs(text) and os.path.isdir(text)}))


def remote_parameters(job: Job) -> tuple[str, ...]:
    """`TASK.KEY gs://…` for each place in a bucket that a parameter names, in its JSON too."""
    given = {
        f"{task.name}.{key}": value for task in job.tasks for key, value in task.parameters.items()
    }
    return tuple(
        f"{name} {place}"
        for name, value in {**given, **job.parameters}.items()
        for place in _remote(value)
    )


def _remote(value: Any) -> Iterator[str]:
    """The places in buckets that a parameter names, itself or within its JSON."""
    if isinstance(value, str):
        if value.startswith("gs://"):
            yield value
        elif value.startswith(("{", "[")):
            yield from _remote(_parsed(value))
    elif isinstance(value, dict):
        # What a report shows of the section `vertex` is not read.
        for key, one in value.items():
            yield from () if key == "vertex" else _remote(one)
    elif isinstance(value, list):
        for one in value:
            yield from _remote(one)


def _parsed(text: str) -> Any:
    """The JSON of a parameter; nothing where it is some other text."""
    try:
        return json.loads(text)
    except ValueError:
        return None
