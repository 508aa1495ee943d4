"""A model is uploaded and deployed by the real clients, against the services on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import PermissionDenied
from google.cloud.aiplatform_v1.types import (
    CreateEndpointRequest,
    DeployedModel,
    DeployModelRequest,
    DeployModelResponse,
    Endpoint,
    ListEndpointsRequest,
    ListEndpointsResponse,
    UploadModelRequest,
    UploadModelResponse,
)
from google.longrunning.operations_pb2 import Operation

from components import vertex_endpoint
from components.vertex_endpoint import Destination, deploy, traffic_split
from tests.loopback import Method, Refused, serve

PARENT = "projects/my-project/locations/europe-west4"
DESTINATION = Destination(
    "my-project",
    "europe-west4",
    endpoint="nodules",
    machine="n2-standard-4",
    replicas=(1, 3),
    traffic_percent=20,
    serving_image="registry/tensorflow-serving:2.21.0@sha256:0",
    serving_tensorflow=(2, 21),
    labels=(("application", "noduleflow"),),
)


def done(message: Any) -> Operation:
    operation = Operation(name="operations/1", done=True)
    operation.response.Pack(type(message).pb(message))
    return operation


@dataclass
class Services:
    """Models and endpoints."""

    endpoints: list[Endpoint] = field(default_factory=list)
    uploads: list[UploadModelRequest] = field(default_factory=list)
    deployments: list[DeployModelRequest] = field(default_factory=list)
    refuses: bool = False

    def upload(self, request: UploadModelRequest) -> Operation:
        if self.refuses:
            raise Refused(grpc.StatusCode.PERMISSION_DENIED, "no models here")
        self.uploads.append(request)
        return done(UploadModelResponse(model=f"{PARENT}/models/7"))

    def listed(self, request: ListEndpointsRequest) -> ListEndpointsResponse:
        assert request.filter == 'display_name="nodules"'
        return ListEndpointsResponse(endpoints=self.endpoints)

    def create(self, request: CreateEndpointRequest) -> Operation:
        made = Endpoint(request.endpoint)
        made.name = f"{request.parent}/endpoints/1"
        self.endpoints.append(made)
        return done(made)

    def deployed(self, request: DeployModelRequest) -> Operation:
        self.deployments.append(request)
        return done(DeployModelResponse(deployed_model=DeployedModel(id="5")))


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    served = Services()
    methods = {
        "ModelService": {"UploadModel": Method(UploadModelRequest, Operation, served.upload)},
        "EndpointService": {
            "ListEndpoints": Method(ListEndpointsRequest, ListEndpointsResponse, served.listed),
            "CreateEndpoint": Method(CreateEndpointRequest, Operation, served.create),
            "DeployModel": Method(DeployModelRequest, Operation, served.deployed),
        },
    }
    with serve(methods) as stand_in:
        monkeypatch.setattr(vertex_endpoint, "connection", stand_in)
        yield served


def test_the_first_model_makes_the_endpoint_and_gets_all_requests(services: Services) -> None:
    assert deploy("gs://bucket/pushed", DESTINATION) == f"{PARENT}/models/7"
    (upload,), (deployment,) = services.uploads, services.deployments
    assert upload.parent == PARENT
    assert upload.model.artifact_uri == "gs://bucket/pushed"
    container = upload.model.container_spec
    assert container.image_uri == DESTINATION.serving_image
    assert "--model_base_path=$(AIP_STORAGE_URI)" in container.args
    assert "--rest_api_port=8501" in container.args and container.ports[0].container_port == 8501
    assert container.predict_route == "/v1/models/segmenter:predict"
    assert container.health_route == "/v1/models/segmenter"
    (endpoint,) = services.endpoints
    assert endpoint.display_name == "nodules"
    assert dict(endpoint.labels) == dict(upload.model.labels) == {"application": "noduleflow"}
    assert deployment.endpoint == f"{PARENT}/endpoints/1"
    assert dict(deployment.traffic_split) == {"0": 100}
    resources = deployment.deployed_model.dedicated_resources
    assert resources.machine_spec.machine_type == "n2-standard-4"
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 3)


def test_a_later_model_shares_the_endpoint_that_is_there(services: Services) -> None:
    there = Endpoint(name=f"{PARENT}/endpoints/9", display_name="nodules")
    there.traffic_split = {"3": 75, "4": 25}
    services.endpoints.append(there)
    deploy("gs://bucket/pushed", DESTINATION)
    (deployment,) = services.deployments
    assert deployment.endpoint == f"{PARENT}/endpoints/9"
    assert dict(deployment.traffic_split) == {"0": 20, "3": 60, "4": 20}
    assert len(services.endpoints) == 1


def test_a_refusal_deploys_nothing(services: Services) -> None:
    services.refuses = True
    with pytest.raises(PermissionDenied, match="no models here"):
        deploy("gs://bucket/pushed", DESTINATION)
    assert not services.endpoints and not services.deployments


@pytest.mark.parametrize(
    ("shares", "percent", "expected"),
    [
        ({}, 20, {"0": 100}),
        ({"1": 0}, 20, {"0": 100}),
        ({"1": 100}, 20, {"0": 20, "1": 80}),
        ({"1": 100}, 100, {"0": 100, "1": 0}),
        ({"1": 100}, 0, {"0": 0, "1": 100}),
        # 90 in equal parts of 33, 33 and 34: 29.7, 29.7 and 30.6; the first two round up.
        ({"a": 33, "b": 33, "c": 34}, 10, {"0": 10, "a": 30, "b": 30, "c": 30}),
        # 50: 25.5 and 24.5; of equal remainders the first rounds up.
        ({"a": 51, "b": 49}, 50, {"0": 50, "a": 26, "b": 24}),
    ],
)
def test_shares_of_requests_sum_to_all(
    shares: dict[str, int], percent: int, expected: dict[str, int]
) -> None:
    found = traffic_split(shares, percent)
    assert found == expected and sum(found.values()) == 100


@pytest.mark.parametrize("version", [None, (2, 21)])
def test_a_destination_is_the_same_after_json(version: tuple[int, int] | None) -> None:
    destination = replace(DESTINATION, serving_tensorflow=version)
    assert Destination.from_json(destination.to_json()) == destination
