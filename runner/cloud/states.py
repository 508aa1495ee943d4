"""Following a run on Vertex AI until it ends."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lungct.storage import printable
from pipeline.vertex_config import VertexConfig
from runner.cloud.service import Timing, ask
from runner.exit_status import EXIT_BLESSED, EXIT_ERROR, EXIT_NOT_BLESSED

SUCCEEDED: Final = "PIPELINE_STATE_SUCCEEDED"
ENDS: Final = (SUCCEEDED, "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED")


@dataclass(frozen=True)
class Outcome:
    """How a run ended, or that it has not.

    Attributes:
        status: The exit status that says so.
        lines: For people.
    """

    status: int
    lines: tuple[str, ...]


def follow(
    client: Any,
    name: str,
    place: VertexConfig,
    timing: Timing,
    limit_s: float,
    say: Callable[[str], None],
) -> Outcome:
    """Looks at a run until it ends.

    Args:
        client: That for runs.
        name: Resource name of the run.
        place: Where it is.
        timing: How long is waited between two looks.
        limit_s: After so long it is left to itself.
        say: Takes a line for each new state.

    Returns:
        How it ended.

    Raises:
        ServiceError: The service was not there for too long, or refused to tell.
    """
    began, pause, shown = time.monotonic(), timing.poll_s, ""
    while True:
        job = ask(
            place,
            lambda **options: client.get_pipeline_job(name=name, **options),
            timing,
            reading=True,
        )
        state = job.state.name
        if state != shown:
            say(f"state: {_short(state)}")
            shown = state
        if state in ENDS:
            return outcome_of(job)
        left = limit_s - (time.monotonic() - began)
        if left <= 0:
            text = f"still {_short(state)} after {limit_s / 60:.3g} minutes; the run goes on"
            return Outcome(EXIT_ERROR, (text,))
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, timing.longest_poll_s)


def outcome_of(job: Any) -> Outcome:
    """How a run ended.

    Args:
        job: A PipelineJob that has ended.
    """
    if job.state.name != SUCCEEDED:
        return Outcome(EXIT_ERROR, (f"ended: {_short(job.state.name)}", *_failures(job)))
    blessed = _blessed(job)
    if blessed is None:
        return Outcome(EXIT_BLESSED, ("ended: SUCCEEDED",))
    text = "blessed" if blessed else "not blessed: the report of the run says why"
    return Outcome(EXIT_BLESSED if blessed else EXIT_NOT_BLESSED, (f"ended: {text}",))


def _failures(job: Any) -> Iterator[str]:
    """The tasks that failed, and what is known of why."""
    for task in job.job_detail.task_details:
        if task.state.name == "FAILED":
            text = " ".join(task.error.message.split()) or "see its log on the page of the run"
            yield f"task {task.task_name} failed: {printable(text)[:600]}"
    if job.error.message:
        yield f"error: {printable(' '.join(job.error.message.split()))[:600]}"


def _blessed(job: Any) -> bool | None:
    """What the Evaluator said; None where that is not told."""
    for task in job.job_detail.task_details:
        for artifact in task.outputs["blessing"].artifacts if "blessing" in task.outputs else ():
            verdict = dict(artifact.metadata or {}).get("blessed")
            if verdict is not None:
                return int(verdict) == 1
    return None


def _short(state: str) -> str:
    return state.removeprefix("PIPELINE_STATE_")
