"""A whole run of a job: each task after those before it, and what becomes of it."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from runner.emulation.executor_input import Inputs
from runner.emulation.job import Job, JobParameter, Source, Task
from runner.emulation.store import Execution
from runner.emulation.tasks import TaskError, TaskRunner


class State(enum.Enum):
    """What became of a task."""

    DONE = "done"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        state: What became of it.
        reason: Why it did not run or failed; empty where it ran.
        execution: What it made, or made in an earlier run.
    """

    state: State
    reason: str = ""
    execution: Execution | None = None


class View(Protocol):
    """Who is told."""

    def begin(self, task: str) -> None:
        """A task begins."""

    def end(self, task: str, outcome: Outcome) -> None:
        """A task ended, or did not begin."""


def emulate(job: Job, runner: TaskRunner, view: View) -> dict[str, Outcome]:
    """Runs a job.

    A task whose condition does not hold is skipped, and what depends on it too. Where a task
    fails, what depends on it does not run; what does not goes on, unless the job fails fast.

    Args:
        job: The job, with all its runtime parameters.
        runner: Runs a task.
        view: Is told of each.

    Returns:
        The outcome of each task.

    Raises:
        UsageError: The job says what is not known here.
    """
    outcomes: dict[str, Outcome] = {}
    for task in job.tasks:
        reason = None if task.always else _why_not(task, job, outcomes)
        if reason is not None:
            outcomes[task.name] = reason
        else:
            view.begin(task.name)
            outcomes[task.name] = _outcome(task, job, runner, outcomes)
        view.end(task.name, outcomes[task.name])
    return outcomes


def _why_not(task: Task, job: Job, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    """Why a task does not run; None where it does."""
    if failed := _in_state(task.after, outcomes, State.FAILED):
        return Outcome(State.NOT_RUN, f"{failed[0]} failed")
    if stopped := _in_state(task.after, outcomes, State.NOT_RUN):
        return Outcome(State.NOT_RUN, f"{stopped[0]} did not run")
    if skipped := _in_state(task.after, outcomes, State.SKIPPED):
        return Outcome(State.SKIPPED, f"{skipped[0]} was skipped")
    if job.fails_fast and (failed := _in_state(outcomes, outcomes, State.FAILED)):
        return Outcome(State.NOT_RUN, f"{failed[0]} failed and the job fails fast")
    return None


def _in_state(tasks: Iterable[str], outcomes: Mapping[str, Outcome], state: State) -> list[str]:
    return [name for name in tasks if outcomes[name].state is state]


def _outcome(task: Task, job: Job, runner: TaskRunner, outcomes: Mapping[str, Outcome]) -> Outcome:
    made = {name: one.execution for name, one in outcomes.items() if one.execution is not None}
    try:
        done = runner.run(task, _inputs(task, job, made))
    except TaskError as error:
        return Outcome(State.FAILED, str(error))
    if done is None:
        return Outcome(State.SKIPPED, f"its condition does not hold: {task.condition}")
    state = State.CACHED if done.cached else State.DONE
    return Outcome(state, execution=done.execution)


def _inputs(task: Task, job: Job, made: Mapping[str, Execution]) -> Inputs:
    """What a task takes of constants, runtime parameters and the tasks before it."""
    artifacts = {
        key: made[source.task].outputs.get(source.key, ()) if source.task in made else ()
        for key, source in task.artifacts.items()
    }
    parameters = {key: _value(one, job, made) for key, one in task.parameters.items()}
    return Inputs(parameters, artifacts)


def _value(given: Any, job: Job, made: Mapping[str, Execution]) -> Any:
    if isinstance(given, JobParameter):
        return job.parameters[given.name]
    if isinstance(given, Source):
        if given.task not in made or given.key not in made[given.task].parameters:
            raise TaskError(f"expected the parameter {given.key} of {given.task}, got none")
        return made[given.task].parameters[given.key]
    return given
