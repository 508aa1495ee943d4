"""A scan through an endpoint: cut, sent, tried again, joined."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.loopback_endpoint import LOST, LoopbackEndpoint
from lungct.grid import Grid
from serving.endpoint import EndpointError, endpoint_of, open_endpoint
from serving.served import Volume
from tests.serving import bright_endpoint
from tests.serving.bright_model import facts_of
from tests.serving.test_slabs import HU

FACTS = facts_of(Grid((3.0, 2.0, 1.0), context=1))
LIMIT = 40_000


def segment(server: LoopbackEndpoint, hu: Volume = HU, **changes: Any) -> Any:
    endpoint = replace(endpoint_of(server.url, LIMIT), **changes)
    return open_endpoint(endpoint, FACTS).segment(hu)


def test_the_answers_joined_are_the_answer_for_the_whole() -> None:
    with LoopbackEndpoint(bright_endpoint.predict, 100_000) as server:
        np.testing.assert_array_equal(segment(server), bright_endpoint.mean_of_three(HU))
        assert len(server.requests) > 2 and max(server.requests) < LIMIT
        assert "Authorization" not in server.headers
        assert segment(server, HU[:0]).shape == (0, 30, 50)


@pytest.mark.parametrize("fault", [429, 502, 503, 504, LOST])
def test_a_fault_that_passes_is_tried_again_ever_later(fault: int) -> None:
    waits: list[float] = []
    with LoopbackEndpoint(bright_endpoint.predict, 100_000) as server:
        server.faults = [fault] * 3
        found = segment(server, HU[:9], sleep=waits.append)
    np.testing.assert_array_equal(found, bright_endpoint.mean_of_three(HU[:9]))
    # 1, 2 and 4 s, each by half at the shortest; one request fits all nine slices.
    low_and_high = zip(waits, (0.5, 1, 2), (1, 2, 4), strict=True)
    assert all(low <= wait <= high for wait, low, high in low_and_high)


def test_a_fault_that_stays_is_one_line_that_names_the_endpoint() -> None:
    with LoopbackEndpoint(bright_endpoint.predict, 100_000) as server:
        server.faults = [503] * 100
        with pytest.raises(EndpointError) as caught:
            segment(server, sleep=lambda _: None)
    line = f"expected an answer of {server.url}, got 503 (told to answer 503) at 7 tries"
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (400, "is the deployed model one of this version"),
        (401, "log in by `gcloud auth application-default login`"),
        (403, "roles/aiplatform.user"),
        (404, "is the endpoint there"),
        (500, "see the log of the endpoint"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_do(fault: int, advice: str) -> None:
    with LoopbackEndpoint(bright_endpoint.predict, 100_000) as server:
        server.faults = [fault] * 100
        with pytest.raises(EndpointError, match=advice) as caught:
            segment(server, sleep=pytest.fail)
    assert "\n" not in str(caught.value)


def test_nobody_there_is_one_line() -> None:
    with LoopbackEndpoint(bright_endpoint.predict) as server:
        pass
    with pytest.raises(EndpointError, match=r"got no connection \(.*\) at 7 tries"):
        segment(server, sleep=lambda _: None)


def test_a_request_that_the_endpoint_finds_too_large_is_halved() -> None:
    with LoopbackEndpoint(bright_endpoint.predict, 20_000) as server:
        np.testing.assert_array_equal(segment(server), bright_endpoint.mean_of_three(HU))
        assert max(*server.requests, *server.answers) <= 20_000


@pytest.mark.parametrize(
    "words",
    [
        "Request payload size exceeds the limit: 20000 bytes.",
        "Failed to handle request with error: `Response size too large. Received at least 3288694",
        "The request size (2035412 bytes) exceeds 1.500MB limit.",
    ],
)
def test_the_words_of_vertex_ai_for_too_large_are_known(words: str) -> None:
    def refusing(instances: list[Any]) -> list[Any]:
        first, stop = instances[0]["kept"]
        if stop - first > 4:
            raise ValueError(words)  # a status of 400
        return bright_endpoint.predict(instances)

    with LoopbackEndpoint(refusing, 100_000) as server:
        np.testing.assert_array_equal(segment(server), bright_endpoint.mean_of_three(HU))


def test_one_slice_that_is_too_large_for_the_endpoint_is_said() -> None:
    with LoopbackEndpoint(bright_endpoint.predict, 5_000) as server:
        with pytest.raises(EndpointError, match="413 .* for one slice: give the endpoint's limit"):
            segment(server)


def test_an_answer_of_another_model_names_the_endpoint() -> None:
    def pictures(instances: list[Any]) -> list[Any]:
        return [[0.5] for _ in instances]

    with LoopbackEndpoint(pictures) as server:
        with pytest.raises(EndpointError, match=f"segment_slab, got .* from {server.url}"):
            segment(server)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        (
            "projects/p/locations/europe-west4/endpoints/7",
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4"
            "/endpoints/7:predict",
        ),
        ("http://localhost:8501/v1/models/m", "http://localhost:8501/v1/models/m:predict"),
        ("https://7.prediction.vertexai.goog/v1/e:predict",) * 2,
    ],
)
def test_names_of_endpoints(name: str, url: str) -> None:
    assert endpoint_of(name).url == url


@pytest.mark.parametrize(
    "name", ["", "7", "projects/p/endpoints/7", "ftp://a/b", "http://a", "a/b"]
)
def test_what_names_no_endpoint_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"endpoints/E or an URL, got '{name}'"):
        endpoint_of(name)


def test_credentials_go_to_google_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError

    monkeypatch.setattr(google.auth, "default", lambda **_: ("credentials", "project"))

    def credentials(url: str) -> Any:
        return open_endpoint(endpoint_of(url), FACTS).segment.session.credentials  # type: ignore[attr-defined]

    assert credentials("projects/p/locations/r/endpoints/7") == "credentials"
    assert credentials("https://7.r-1.prediction.vertexai.goog/v1/e") == "credentials"
    for url in (
        "http://localhost:1/e",
        "https://vertexai.goog.example/e",
        "http://a.googleapis.com/e",
    ):
        assert isinstance(credentials(url), AnonymousCredentials)

    def none(**_: Any) -> None:
        raise DefaultCredentialsError("none")

    monkeypatch.setattr(google.auth, "default", none)
    with pytest.raises(EndpointError, match="expected credentials of Google Cloud for projects/p"):
        credentials("projects/p/locations/r/endpoints/7")


def test_credentials_that_are_not_renewed_are_one_line() -> None:
    from google.auth.exceptions import RefreshError

    class Session:
        def post(self, *_: Any, **__: Any) -> None:
            raise RefreshError("expired")

    model = open_endpoint(endpoint_of("http://localhost:1/e"), FACTS)
    model = replace(model, segment=replace(model.segment, session=Session()))  # type: ignore[type-var]
    with pytest.raises(
        EndpointError, match="expected credentials of Google Cloud for http://local"
    ):
        model.segment(HU)
