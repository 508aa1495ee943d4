"""What runs here in place of what only the cloud can: training jobs, endpoints, Dataflow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.local_beam import LOCAL_BEAM_ARGS
from runner.emulation.job import CONTAINER, Job

_EXECUTOR: Final = "--executor_class_path"
# What TFX's containers read themselves; all other arguments are Beam's.
_OWN: Final = (
    _EXECUTOR,
    "--json_serialized_invocation_args",
    "--json_serialized_inputs_spec_args",
)
_CUSTOM_CONFIG: Final = "custom_config"


@dataclass(frozen=True)
class Counterpart:
    """What runs here in place of an executor.

    Attributes:
        executor: The class that runs instead.
        words: What a person is told.
        parameters: The task's parameters as that class takes them, of those that it has and the
            folder that TF Serving watches.
    """

    executor: str
    words: str
    parameters: Callable[[Mapping[str, Any], str], Mapping[str, Any]]


def _trainer_parameters(given: Mapping[str, Any], serving: str) -> Mapping[str, Any]:
    """The same without what the training job asks for."""
    del serving
    config = json.loads(given[_CUSTOM_CONFIG])
    kept = {key: value for key, value in config.items() if not key.startswith("ai_platform_")}
    return {**given, _CUSTOM_CONFIG: json.dumps(kept, sort_keys=True)}


def _pusher_parameters(given: Mapping[str, Any], serving: str) -> Mapping[str, Any]:
    """The same with a folder in place of the endpoint."""
    kept = {key: value for key, value in given.items() if key != _CUSTOM_CONFIG}
    destination = {"filesystem": {"base_directory": serving}}
    return {**kept, "push_destination": json.dumps(destination)}


_TRAINER: Final = Counterpart(
    "components.vertex_trainer.LocalExecutor",
    "here in place of a Vertex custom job",
    _trainer_parameters,
)
_PUSHER: Final = Counterpart(
    "components.pusher.Executor",
    "to a folder in place of a Vertex endpoint or a bucket",
    _pusher_parameters,
)
COUNTERPARTS: Final[Mapping[str, Counterpart]] = {
    "components.vertex_trainer.VertexExecutor": _TRAINER,
    "components.cloud_pusher.Executor": _PUSHER,
}


@dataclass(frozen=True)
class LocalJob:
    """A job of which every task can run on this machine.

    Attributes:
        job: The job.
        words: For each task that something else stands in for, what a person is told.
        beam: Whether Beam was to run elsewhere.
    """

    job: Job
    words: Mapping[str, str]
    beam: bool


def on_this_machine(job: Job, serving: str) -> LocalJob:
    """Replaces what only the cloud can run.

    Args:
        job: The job as it was compiled.
        serving: The folder that models are pushed to.
    """
    tasks, words, beam = [], {}, False
    for task in job.tasks:
        args, elsewhere = _with_local_beam(task.executor.get("args", []))
        beam = beam or elsewhere
        found = COUNTERPARTS.get(_executor_class(args))
        if found is not None:
            words[task.name] = found.words
            args = [found.executor if arg == _executor_class(args) else arg for arg in args]
            task = replace(task, parameters=found.parameters(task.parameters, serving))
        executor = {**task.executor, "args": args} if task.kind == CONTAINER else task.executor
        tasks.append(replace(task, executor=executor))
    return LocalJob(replace(job, tasks=tuple(tasks)), words, beam)


def _executor_class(args: list[str]) -> str:
    return args[args.index(_EXECUTOR) + 1] if _EXECUTOR in args else ""


def _with_local_beam(args: list[str]) -> tuple[list[str], bool]:
    """The same arguments with Beam in this process, and whether it was elsewhere."""
    kept: list[str] = []
    elsewhere = False
    values = False
    for arg in args:
        own = values or arg in _OWN or not arg.startswith("--")
        values = arg in _OWN
        if own:
            kept.append(arg)
        else:
            elsewhere = elsewhere or arg.startswith("--runner=")
    return ([*kept, *LOCAL_BEAM_ARGS], True) if elsewhere else (args, False)
