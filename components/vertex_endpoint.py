"""A Vertex AI endpoint that serves a model by TensorFlow Serving."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schema.vertex_ai import connection

_REST_PORT: Final = 8501
_MODEL_NAME: Final = "segmenter"
_ROUTE: Final = f"/v1/models/{_MODEL_NAME}"
# Machines are started, and an image of gigabytes is fetched.
_DEPLOY_S: Final = 3600.0
# By this id Vertex AI calls the model that is being deployed.
_NEW: Final = "0"


@dataclass(frozen=True)
class Destination:
    """Where a model goes.

    Attributes:
        project: Id of the project.
        region: Of the endpoint.
        endpoint: Its display name; empty for a bucket.
        machine: Type of the machines that serve.
        replicas: The least and the most of them.
        traffic_percent: Share of the requests that the model gets.
        serving_image: TensorFlow Serving, by digest.
        serving_tensorflow: Its version as far as its name tells it, as (2, 16); or None.
        service_account: Of the serving container, or empty.
        labels: Of model and endpoint.
        bucket: Folder that TensorFlow Serving watches; empty for an endpoint.
    """

    project: str
    region: str
    endpoint: str = ""
    machine: str = ""
    replicas: tuple[int, int] = (1, 1)
    traffic_percent: int = 100
    serving_image: str = ""
    serving_tensorflow: tuple[int, int] | None = None
    service_account: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    bucket: str = ""

    def to_json(self) -> str:
        """As JSON, the same for the same destination always."""
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Destination":
        """Reads what `to_json` wrote."""
        content = json.loads(text)
        version = content["serving_tensorflow"]
        return cls(
            **{
                **content,
                "replicas": tuple(content["replicas"]),
                "serving_tensorflow": version and tuple(version),
                "labels": tuple((key, value) for key, value in content["labels"]),
            }
        )


def deploy(artifact_uri: str, destination: Destination) -> str:
    """Uploads a model and deploys it to the endpoint, which is made where there is none.

    The models that were there stay deployed, and bill, whatever share of the requests they keep.

    Args:
        artifact_uri: Folder in a bucket that holds the model below a folder `1`, as TensorFlow
            Serving wants it.
        destination: Where it goes.

    Returns:
        The resource name of the model.

    Raises:
        google.api_core.exceptions.GoogleAPICallError: Vertex AI refused.
    """
    from google.cloud.aiplatform_v1.services import endpoint_service, model_service
    from google.cloud.aiplatform_v1.services.endpoint_service.transports import (
        EndpointServiceGrpcTransport,
    )
    from google.cloud.aiplatform_v1.services.model_service.transports import (
        ModelServiceGrpcTransport,
    )

    parent = f"projects/{destination.project}/locations/{destination.region}"
    models = model_service.ModelServiceClient(
        **connection(destination.region, ModelServiceGrpcTransport)
    )
    uploading: Any = models.upload_model(parent=parent, model=model_of(artifact_uri, destination))
    model = str(uploading.result(timeout=_DEPLOY_S).model)
    endpoints = endpoint_service.EndpointServiceClient(
        **connection(destination.region, EndpointServiceGrpcTransport)
    )
    endpoint = _endpoint(endpoints, parent, destination)
    deploying: Any = endpoints.deploy_model(
        endpoint=endpoint.name,
        deployed_model=_deployed(model, destination),
        traffic_split=traffic_split(endpoint.traffic_split, destination.traffic_percent),
    )
    deploying.result(timeout=_DEPLOY_S)
    return model


def model_of(artifact_uri: str, destination: Destination) -> Any:
    """The message of a model that TensorFlow Serving serves.

    Vertex AI copies the folder and tells the container where, in a variable of the environment.

    Args:
        artifact_uri: As `deploy` takes it.
        destination: Where it goes.
    """
    from google.cloud.aiplatform_v1.types import Model, ModelContainerSpec, Port

    container = ModelContainerSpec(
        image_uri=destination.serving_image,
        command=["/usr/bin/tensorflow_model_server"],
        args=[
            f"--model_name={_MODEL_NAME}",
            "--model_base_path=$(AIP_STORAGE_URI)",
            f"--rest_api_port={_REST_PORT}",
            "--port=8500",
        ],
        ports=[Port(container_port=_REST_PORT)],
        predict_route=f"{_ROUTE}:predict",
        health_route=_ROUTE,
    )
    return Model(
        display_name=f"{destination.endpoint[:100]}-{int(time.time())}",
        artifact_uri=artifact_uri,
        container_spec=container,
        labels=dict(destination.labels),
    )


def traffic_split(shares: Mapping[str, int], percent: int) -> dict[str, int]:
    """Who gets which share of the requests once a model is deployed.

    Args:
        shares: Of the models that are there, by their ids; they sum to 100 or are none.
        percent: Share of the new one.

    Returns:
        Whole percents by id, which sum to 100; the new one is `0`, as Vertex AI has it. Those that
        were there share the rest as they did; where none was, the new one gets all.
    """
    total = sum(shares.values())
    if not total:
        return {_NEW: 100}
    rest = 100 - percent
    exact = {name: share * rest / total for name, share in shares.items()}
    split = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (split[name] - exact[name], name))
    for name in by_remainder[: rest - sum(split.values())]:
        split[name] += 1
    return {_NEW: percent, **split}


def _endpoint(client: Any, parent: str, destination: Destination) -> Any:
    """The endpoint of the display name; made where there is none."""
    from google.cloud.aiplatform_v1.types import Endpoint

    name = destination.endpoint
    listed = client.list_endpoints(request={"parent": parent, "filter": f'display_name="{name}"'})
    for found in listed:
        return found
    wanted = Endpoint(display_name=name, labels=dict(destination.labels))
    return client.create_endpoint(parent=parent, endpoint=wanted).result(timeout=_DEPLOY_S)


def _deployed(model: str, destination: Destination) -> Any:
    from google.cloud.aiplatform_v1.types import DedicatedResources, DeployedModel, MachineSpec

    least, most = destination.replicas
    return DeployedModel(
        model=model,
        dedicated_resources=DedicatedResources(
            machine_spec=MachineSpec(machine_type=destination.machine),
            min_replica_count=least,
            max_replica_count=most,
        ),
        service_account=destination.service_account,
    )
