"""A model behind an endpoint: of Vertex AI, or of TF Serving by its REST interface.

TensorFlow is not needed. Google's credentials are sent to Google's hosts alone.
"""

import json
import random
import re
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from schema.model_facts import ModelFacts
from schema.vertex_ai import service_host
from serving.served import Probability, ServedModel, Volume
from serving.slabs import MOST_BYTES, Slab, cut, read_answer, slab

_RESOURCE = re.compile(r"projects/[^/]+/locations/([^/]+)/endpoints/[^/]+")
_GOOGLE = (".googleapis.com", ".vertexai.goog")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUTS_S = (10, 120)  # to connect; for an answer, of which Vertex AI allows a minute

# Too many requests; a gateway or a server that is not there for now.
_PASSING: Final = frozenset((429, 502, 503, 504))
_TOO_LARGE = 413
# Vertex AI has 400 for too much, with such words: "Request payload size exceeds the limit",
# "Response size too large" (https://github.com/googleapis/python-aiplatform/issues/190).
_SAYS_TOO_LARGE = re.compile(r"size\b.* (exceeds|too large)", re.IGNORECASE)
_DELAYS_S = (1, 2, 4, 8, 16, 32)
_LONGEST_WAIT_S = 60.0

# Requests that wait for an answer at a time: an endpoint of several replicas shares them out.
_PARALLEL = 4

_ADVICE: Final = {
    400: "is the deployed model one of this version?",
    401: "log in by `gcloud auth application-default login`",
    403: "the account needs aiplatform.endpoints.predict, as roles/aiplatform.user has it",
    404: "is the endpoint there, and a model deployed to it?",
    _TOO_LARGE: "give the endpoint's limit by --max-request-mb",
}


class EndpointError(OSError):
    """An endpoint can't be asked, or refuses. The text is one line that names it."""


class _TooLarge(Exception):
    """A request or its answer is too large for the endpoint."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint.

    Attributes:
        name: As the user has it.
        url: Where requests are sent.
        most_bytes: Each request is smaller.
        sleep: Waits some seconds.
    """

    name: str
    url: str
    most_bytes: int = MOST_BYTES
    sleep: Callable[[float], None] = time.sleep


def endpoint_of(name: str, most_bytes: int = MOST_BYTES) -> Endpoint:
    """The endpoint of a name.

    Args:
        name: `projects/P/locations/R/endpoints/E`, or an URL, with or without `:predict`, such as
            that of a dedicated endpoint or `http://localhost:8501/v1/models/noduleflow`.
        most_bytes: Each request is smaller.

    Raises:
        ValueError: It is neither.
    """
    resource = _RESOURCE.fullmatch(name)
    parts = urlsplit(name)
    if resource:
        url = f"https://{service_host(resource[1])}/v1/{name}"
    elif parts.scheme in ("http", "https") and parts.hostname and parts.path.strip("/"):
        url = name.removesuffix(":predict")
    else:
        raise ValueError(
            f"expected an endpoint as projects/P/locations/R/endpoints/E or an URL, got {name!r}"
        )
    return Endpoint(name, f"{url}:predict", most_bytes)


def open_endpoint(endpoint: Endpoint, facts: ModelFacts) -> ServedModel:
    """A model behind an endpoint.

    Args:
        endpoint: The endpoint.
        facts: Of the very model that is deployed there.

    Returns:
        The model. Its `segment` raises EndpointError where the endpoint does not answer in the
        end, and ValueError where a slice is too large for a request.

    Raises:
        EndpointError: There are no credentials.
    """
    segmentation = _Segmentation(endpoint, facts.grid.context, _session(endpoint))
    return ServedModel(facts, segmentation, endpoint.name)


@dataclass(frozen=True)
class _Segmentation:
    """Asks an endpoint."""

    endpoint: Endpoint
    context: int
    session: Any

    def __call__(self, hu: Volume) -> Probability:
        """Probabilities of one volume."""
        result = np.empty(hu.shape, dtype=np.float32)
        waiting: deque[tuple[Slab, Future[Probability]]] = deque()

        def take() -> None:
            """Puts the oldest answer into its place."""
            asked, answer = waiting.popleft()
            result[asked.first : asked.stop] = answer.result()

        with ThreadPoolExecutor(_PARALLEL) as pool:
            try:
                for asked in cut(hu, self.context, self.endpoint.most_bytes):
                    waiting.append((asked, pool.submit(self._answer, hu, asked)))
                    if len(waiting) > _PARALLEL:
                        take()
                while waiting:
                    take()
            finally:
                pool.shutdown(cancel_futures=True)
        return result

    def _answer(self, hu: Volume, asked: Slab) -> Probability:
        """Probabilities of one slab; where it is too large for the endpoint, of its halves."""
        count = asked.stop - asked.first
        try:
            body = _post(self.endpoint, self.session, asked.body)
        except _TooLarge as error:
            if count == 1:
                raise EndpointError(
                    f"{error} to a request of {len(asked.body)} bytes for one slice: "
                    f"{_ADVICE[_TOO_LARGE]}"
                ) from error
            middle = asked.first + count // 2
            parts = ((asked.first, middle), (middle, asked.stop))
            return np.concatenate(
                [self._answer(hu, slab(hu, first, stop, self.context)) for first, stop in parts]
            )
        try:
            return read_answer(body, (count, hu.shape[1], hu.shape[2]))
        except ValueError as error:
            raise EndpointError(f"{error} from {self.endpoint.name}") from error


def _session(endpoint: Endpoint) -> Any:
    """What sends requests, with credentials where the host is one of Google's."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    host = urlsplit(endpoint.url)
    if host.scheme != "https" or not f".{host.hostname}".endswith(_GOOGLE):
        return AuthorizedSession(AnonymousCredentials(), refresh_status_codes=())
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise _without_credentials(endpoint) from error
    return AuthorizedSession(credentials)


def _without_credentials(endpoint: Endpoint) -> EndpointError:
    return EndpointError(
        f"expected credentials of Google Cloud for {endpoint.name}, got none: {_ADVICE[401]}"
    )


def _post(endpoint: Endpoint, session: Any, body: bytes) -> bytes:
    """The answer to a request, after as many tries as it takes and are allowed.

    Raises:
        _TooLarge: The endpoint does not take the request, whatever the try.
        EndpointError: It refuses, or does not answer.
    """
    for delay_s in (*_DELAYS_S, None):
        status, text, asked_wait_s = _try(endpoint, session, body)
        if status == 200:
            return text
        reason = _reason(status, text)
        what = f"expected an answer of {endpoint.name}, got {reason}"
        if status == _TOO_LARGE or (status == 400 and _SAYS_TOO_LARGE.search(reason)):
            raise _TooLarge(what)
        if status and status not in _PASSING:
            raise EndpointError(f"{what}: {_ADVICE.get(status, 'see the log of the endpoint')}")
        if delay_s is None:
            break
        # At least as long as the endpoint asks for, but for a limit, and not all at once.
        wait_s = max(delay_s * random.uniform(0.5, 1.0), asked_wait_s)
        endpoint.sleep(min(wait_s, _LONGEST_WAIT_S))
    raise EndpointError(f"{what} at {len(_DELAYS_S) + 1} tries")


def _try(endpoint: Endpoint, session: Any, body: bytes) -> tuple[int, bytes, float]:
    """Status, 0 where there is no whole answer; answer or reason; seconds to wait before a retry.

    Raises:
        EndpointError: The credentials are not renewed.
    """
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        answer = session.post(
            endpoint.url,
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=_TIMEOUTS_S,
            max_allowed_time=None,
        )
        # The library takes a part for the whole where the connection is lost in between.
        if answer.raw.tell() < int(answer.headers.get("Content-Length", 0)):
            return 0, b"the answer ends too early", 0.0
        wait = answer.headers.get("Retry-After", "")
        return answer.status_code, answer.content, float(wait) if wait.isdecimal() else 0.0
    except TransportError as error:
        return 0, str(error).encode(), 0.0
    except GoogleAuthError as error:
        raise _without_credentials(endpoint) from error
    except OSError as error:  # as those of requests are
        return 0, type(error).__name__.encode(), 0.0


def _reason(status: int, text: bytes) -> str:
    """Why there is no answer, in one line."""
    try:
        error = json.loads(text)["error"]
        said = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        said = text.decode(errors="replace")
    line = " ".join(str(said).split())[:200]
    return f"{status} ({line})" if status else f"no connection ({line})"
