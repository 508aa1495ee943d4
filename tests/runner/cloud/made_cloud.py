"""A configuration for a project of Google Cloud that is none, and Vertex AI's service on loopback.

The service is that of the client library's own definition: its messages, its method names, gRPC.
"""

import argparse
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    CreateScheduleRequest,
    GetPipelineJobRequest,
    ListSchedulesRequest,
    ListSchedulesResponse,
    PipelineJob,
    PipelineState,
    Schedule,
)

import kubeflow_runner
from runner.cloud.service import Timing
from tests.loopback import Method, Refused
from tests.runner.cloud.values import ARGUMENTS

VERTEX = str(Path(__file__).resolve().parents[3] / "configs/vertex.yaml")

FAST = Timing(
    request_s=5.0,
    retry_s=0.01,
    longest_retry_s=0.05,
    patience_s=60.0,
    poll_s=0.01,
    longest_poll_s=0.05,
)
# For a service that stays away; nothing that ends well may hang on how busy the machine is.
HASTY = replace(FAST, patience_s=2.0)


@dataclass(frozen=True)
class Refusal:
    """What the service answers in place of doing it; with `done` it does it and answers so."""

    code: grpc.StatusCode
    text: str = "refused"
    done: bool = False


UNAVAILABLE = Refusal(grpc.StatusCode.UNAVAILABLE, "the service is away")


def parse_submit(job: Path, *arguments: str) -> argparse.Namespace:
    """The command line that submits a compiled job."""
    given = ["--config", VERTEX, *ARGUMENTS, "--job", str(job)]
    return kubeflow_runner.parse_arguments(["submit", *given, *arguments])


@dataclass
class Service:
    """What the service was asked, and what it will say.

    Attributes:
        refusals: Of the next requests that make something, in order.
        reading: Of the next requests that read.
        states: Of a run, one for each look; the last stays.
        ended: Completes a job that is looked at, before its state is set.
    """

    refusals: deque[Refusal] = field(default_factory=deque)
    reading: deque[Refusal] = field(default_factory=deque)
    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    ended: Callable[[PipelineJob], None] = lambda job: None
    requests: list[Any] = field(default_factory=list)
    jobs: dict[str, PipelineJob] = field(default_factory=dict)
    schedules: list[Schedule] = field(default_factory=list)
    looks: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def create_pipeline_job(self, request: CreatePipelineJobRequest) -> PipelineJob:
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        if name in self.jobs:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "there is one")
        job = PipelineJob(request.pipeline_job)
        job.name, job.state = name, PipelineState.PIPELINE_STATE_PENDING
        self.jobs[name] = job
        return job

    def get_pipeline_job(self, request: GetPipelineJobRequest) -> PipelineJob:
        if request.name not in self.jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"no {request.name}")
        job = PipelineJob(self.jobs[request.name])
        self.ended(job)
        state = self.states[min(self.looks, len(self.states) - 1)]
        job.state = PipelineState[f"PIPELINE_STATE_{state}"]
        self.looks += 1
        return job

    def create_schedule(self, request: CreateScheduleRequest) -> Schedule:
        schedule = Schedule(request.schedule)
        schedule.name = f"{request.parent}/schedules/{len(self.schedules) + 1}"
        self.schedules.append(schedule)
        return schedule

    def list_schedules(self, request: ListSchedulesRequest) -> ListSchedulesResponse:
        return ListSchedulesResponse(schedules=self.schedules)

    def methods(self) -> dict[str, dict[str, Method]]:
        """As `tests.loopback.serve` takes them."""
        return {
            "PipelineService": {
                "CreatePipelineJob": Method(
                    CreatePipelineJobRequest, PipelineJob, self._making(self.create_pipeline_job)
                ),
                "GetPipelineJob": Method(
                    GetPipelineJobRequest, PipelineJob, self._reading(self.get_pipeline_job)
                ),
            },
            "ScheduleService": {
                "CreateSchedule": Method(
                    CreateScheduleRequest, Schedule, self._making(self.create_schedule)
                ),
                "ListSchedules": Method(
                    ListSchedulesRequest, ListSchedulesResponse, self._reading(self.list_schedules)
                ),
            },
        }

    def _making(self, work: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda message: self._answer(work, self.refusals, message)

    def _reading(self, work: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda message: self._answer(work, self.reading, message)

    def _answer(self, work: Callable[[Any], Any], refusals: deque[Refusal], message: Any) -> Any:
        with self.lock:
            self.requests.append(message)
            refusal = refusals.popleft() if refusals else None
            if refusal is not None and not refusal.done:
                raise Refused(refusal.code, refusal.text)
            done = work(message)
            if refusal is not None:
                raise Refused(refusal.code, refusal.text)
            return done
