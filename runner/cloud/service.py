"""Vertex AI's service: clients, what is tried again, and errors as one line that says what to do.

What is tried again, with growing waits: an answer that says that the service can't be reached or
took too long (UNAVAILABLE, DEADLINE_EXCEEDED), for requests that may be made twice. While a run is
followed RESOURCE_EXHAUSTED is, too: it is a rate of reading then, and passes. Where something is to
be made it is a quota, which no waiting of minutes lifts: that is said at once, as are all others.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from lungct.storage import printable
from pipeline.vertex_config import VertexConfig
from schema.vertex_ai import connection

_Answer = TypeVar("_Answer")

_CREDENTIALS = (
    "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name the "
    "key file of a service account"
)


class ServiceError(RuntimeError):
    """Vertex AI did not do what was asked; the text is one line that says what to do."""


@dataclass(frozen=True)
class Timing:
    """How long is waited, in seconds.

    Attributes:
        request_s: For one answer.
        retry_s: Before the first repetition, and doubled for each.
        longest_retry_s: At the most before a repetition.
        patience_s: Until a service that can't be reached is given up.
        poll_s: Between two looks at a run at first, and half as much again after each.
        longest_poll_s: At the most between two looks.
    """

    request_s: float = 60.0
    retry_s: float = 1.0
    longest_retry_s: float = 30.0
    patience_s: float = 300.0
    poll_s: float = 5.0
    longest_poll_s: float = 60.0


def pipeline_client(place: VertexConfig) -> Any:
    """The client for runs.

    Raises:
        ServiceError: There are no credentials.
    """
    from google.cloud.aiplatform_v1.services import pipeline_service
    from google.cloud.aiplatform_v1.services.pipeline_service import transports

    return _client(
        place, pipeline_service.PipelineServiceClient, transports.PipelineServiceGrpcTransport
    )


def schedule_client(place: VertexConfig) -> Any:
    """The client for schedules.

    Raises:
        ServiceError: There are no credentials.
    """
    from google.cloud.aiplatform_v1.services import schedule_service
    from google.cloud.aiplatform_v1.services.schedule_service import transports

    return _client(
        place, schedule_service.ScheduleServiceClient, transports.ScheduleServiceGrpcTransport
    )


def _client(place: VertexConfig, client: type[Any], transport: type[Any]) -> Any:
    from google.auth.exceptions import GoogleAuthError

    try:
        return client(**connection(place.region, transport))
    except GoogleAuthError as error:
        raise ServiceError(explained(error, place)) from None


def ask(
    place: VertexConfig,
    request: Callable[..., _Answer],
    timing: Timing,
    *,
    reading: bool = False,
) -> _Answer:
    """Makes a request that may be made twice, and again where the service was not there.

    Args:
        place: For errors.
        request: Takes `timeout` (of one attempt) and `retry`, as methods of the clients do.
        timing: How long is waited.
        reading: Whether it makes nothing, so that RESOURCE_EXHAUSTED is a rate that passes.

    Returns:
        The answer.

    Raises:
        ServiceError: It was refused, or the service was not there for too long.
        google.api_core.exceptions.AlreadyExists: What was to be made is there.
    """
    from google.api_core import exceptions, retry
    from google.auth.exceptions import GoogleAuthError

    passing: list[type[Exception]] = [exceptions.ServiceUnavailable, exceptions.DeadlineExceeded]
    if reading:
        passing.append(exceptions.ResourceExhausted)
    again = retry.Retry(
        predicate=retry.if_exception_type(*passing),
        initial=timing.retry_s,
        maximum=timing.longest_retry_s,
        timeout=timing.patience_s,
    )
    try:
        return request(timeout=attempt_limit(timing), retry=again)
    except exceptions.AlreadyExists:
        raise
    except exceptions.RetryError as error:
        raise ServiceError(explained(error.cause or error, place)) from None
    except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
        raise ServiceError(explained(error, place)) from None


def attempt_limit(timing: Timing) -> Any:
    """The limit of each attempt at a request; a plain number would be one for all attempts."""
    from google.api_core.timeout import ConstantTimeout

    return ConstantTimeout(timing.request_s)  # type: ignore[no-untyped-call]


def is_passing(error: BaseException) -> bool:
    """Whether an error of the service says that it was not there."""
    from google.api_core import exceptions

    return isinstance(error, exceptions.ServiceUnavailable | exceptions.DeadlineExceeded)


def explained(error: BaseException, place: VertexConfig) -> str:
    """One line: what was refused, in the service's words, and what to do.

    Args:
        error: Of Google's client libraries.
        place: Project, region and service account.
    """
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    text = printable(" ".join(str(getattr(error, "message", "") or error).split()))[:600]
    where = f"project {place.project}, region {place.region}"
    if isinstance(error, GoogleAuthError | exceptions.Unauthenticated):
        return f"no credentials for Google Cloud: {_CREDENTIALS}: {text}"
    if isinstance(error, exceptions.PermissionDenied):
        return f"permission denied: {_missing_permission(text, place)}: {text}"
    if isinstance(error, exceptions.ResourceExhausted):
        page = f"https://console.cloud.google.com/iam-admin/quotas?project={place.project}"
        return f"quota exhausted: wait for other runs to end, or ask for more at {page}: {text}"
    if isinstance(error, exceptions.NotFound):
        return f"not found: are vertex.project and vertex.region right ({where})? {text}"
    if isinstance(error, exceptions.InvalidArgument | exceptions.FailedPrecondition):
        return f"Vertex AI refused the request ({where}): {text}"
    if is_passing(error):
        return f"Vertex AI could not be reached; try again later ({where}): {text}"
    return f"Vertex AI failed ({where}): {text}"


def _missing_permission(text: str, place: VertexConfig) -> str:
    """What to give to whom, by what the service said."""
    if "SERVICE_DISABLED" in text or "has not been used" in text:
        enable = f"gcloud services enable aiplatform.googleapis.com --project {place.project}"
        return f"enable the service with `{enable}`"
    if "actAs" in text or "iam.serviceAccounts" in text:
        whom = place.service_account or "the job's service account"
        return f"give yourself roles/iam.serviceAccountUser on {whom}"
    return f"give yourself roles/aiplatform.user on project {place.project}"


def backoff(timing: Timing) -> Callable[[], float]:
    """Waits before each repetition, longer each time.

    Returns:
        A function that waits and returns the seconds waited in all.
    """
    state = {"next": timing.retry_s, "sum": 0.0}

    def pause() -> float:
        time.sleep(state["next"])
        state["sum"] += state["next"]
        state["next"] = min(2 * state["next"], timing.longest_retry_s)
        return state["sum"]

    return pause
