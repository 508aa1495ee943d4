"""A configuration for a project of Google Cloud that is none, and Vertex AI's service on loopback.

The service is that of the client library's own definition: its messages, its method names, gRPC.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
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

from runner.cloud.service import Timing

FAST = Timing(
    request_s=5.0,
    retry_s=0.01,
    longest_retry_s=0.05,
    patience_s=0.3,
    poll_s=0.01,
    longest_poll_s=0.05,
)


@dataclass(frozen=True)
class Refusal:
    """What the service answers in place of doing it; with `done` it does it and answers so."""

    code: grpc.StatusCode
    text: str = "refused"
    done: bool = False


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
            raise _Refused(Refusal(grpc.StatusCode.ALREADY_EXISTS, "there is one"))
        job = PipelineJob(request.pipeline_job)
        job.name, job.state = name, PipelineState.PIPELINE_STATE_PENDING
        self.jobs[name] = job
        return job

    def get_pipeline_job(self, request: GetPipelineJobRequest) -> PipelineJob:
        if request.name not in self.jobs:
            raise _Refused(Refusal(grpc.StatusCode.NOT_FOUND, f"no {request.name}"))
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


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


_METHODS = {
    "PipelineService": {
        "CreatePipelineJob": (CreatePipelineJobRequest, PipelineJob, "create_pipeline_job"),
        "GetPipelineJob": (GetPipelineJobRequest, PipelineJob, "get_pipeline_job"),
    },
    "ScheduleService": {
        "CreateSchedule": (CreateScheduleRequest, Schedule, "create_schedule"),
        "ListSchedules": (ListSchedulesRequest, ListSchedulesResponse, "list_schedules"),
    },
}


def _handler(service: Service, request: Any, answer: Any, name: str) -> grpc.RpcMethodHandler:
    def handle(message: Any, context: grpc.ServicerContext) -> Any:
        with service.lock:
            service.requests.append(message)
            waiting = service.refusals if name.startswith("create") else service.reading
            refusal = waiting.popleft() if waiting else None
            try:
                if refusal is not None and not refusal.done:
                    raise _Refused(refusal)
                done = getattr(service, name)(message)
                if refusal is not None:
                    raise _Refused(refusal)
            except _Refused as refused:
                context.abort(refused.refusal.code, refused.refusal.text)
            return done

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request.deserialize, response_serializer=answer.serialize
    )


@contextmanager
def serve(service: Service) -> Iterator[Callable[[str, type[Any]], dict[str, Any]]]:
    """Runs the service on loopback.

    Yields:
        What stands in for `runner.cloud.service.connection`.
    """
    server = grpc.server(futures.ThreadPoolExecutor(4))
    for kind, methods in _METHODS.items():
        handlers = {name: _handler(service, *method) for name, method in methods.items()}
        full = f"google.cloud.aiplatform.v1.{kind}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(full, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channels: list[grpc.Channel] = []

    def connection(region: str, transport: type[Any]) -> dict[str, Any]:
        assert region == "europe-west4"
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return {"transport": transport(channel=channels[-1])}

    try:
        yield connection
    finally:
        for channel in channels:
            channel.close()
        server.stop(None).wait()
