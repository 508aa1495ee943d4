"""What differs between this machine and Google Cloud: who trains, where a model goes, on what."""

import os
from collections.abc import Iterable

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_beam_component, base_node
from tfx.extensions.google_cloud_ai_platform import constants as vertex
from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY
from tfx.proto import pusher_pb2, trainer_pb2

from components.cloud_pusher import CloudPusher
from components.evaluator import GATE
from components.pusher import Pusher
from components.vertex_endpoint import Destination
from components.vertex_trainer import VertexTrainer
from pipeline import entry_points
from pipeline.cloud_names import tensorflow_of
from pipeline.config import Config
from pipeline.run_parameters import READERS, named_gate, run_parameters
from pipeline.vertex_config import STEPS, StepConfig, TrainerConfig, VertexConfig
from schema import features
from schema.run_parameters import named_criteria_json


def trainer(
    config: Config, learning: dict[str, object], **channels: types.BaseChannel
) -> base_node.BaseNode:
    """The Trainer in this process, or as a Vertex custom job on a GPU machine.

    Args:
        config: The run's configuration.
        learning: What `models.trainer` is given.
        **channels: `examples`, `transform_graph` and `schema`.
    """
    steps = {
        "train_args": trainer_pb2.TrainArgs(
            splits=[features.SPLIT_TRAIN, features.index_split(features.SPLIT_TRAIN)]
        ),
        "eval_args": trainer_pb2.EvalArgs(splits=[features.SPLIT_EVAL]),
    }
    if config.vertex is None:
        return tfx.components.Trainer(
            run_fn=entry_points.RUN_FN, custom_config=learning, **steps, **channels
        )
    job = {
        vertex.ENABLE_VERTEX_KEY: True,
        vertex.VERTEX_REGION_KEY: config.vertex.region,
        TRAINING_ARGS_KEY: _training_job(config.name, config.vertex),
    }
    node = VertexTrainer(
        run_fn=entry_points.RUN_FN, custom_config={**learning, **job}, **steps, **channels
    )
    return node.with_id("Trainer")


def _training_job(name: str, place: VertexConfig) -> dict[str, object]:
    """A Vertex CustomJob, as TFX takes it; TFX puts the command into it."""
    spec: dict[str, object] = {"worker_pool_specs": [_worker_pool(place.trainer, place.image)]}
    if place.service_account:
        spec["service_account"] = place.service_account
    if place.network:
        spec["network"] = place.network
    return {
        "project": place.project,
        "display_name": f"{name}-trainer",
        "labels": dict(place.labels),
        "job_spec": spec,
    }


def _worker_pool(trainer: TrainerConfig, image: str) -> dict[str, object]:
    machine: dict[str, object] = {"machine_type": trainer.machine}
    if trainer.accelerator_count:
        machine["accelerator_type"] = trainer.accelerator
        machine["accelerator_count"] = trainer.accelerator_count
    return {
        "machine_spec": machine,
        "replica_count": 1,
        "container_spec": {"image_uri": image},
        "disk_spec": {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": trainer.disk_gb},
    }


def pusher(config: Config, **channels: types.BaseChannel) -> base_node.BaseNode:
    """The Pusher to a TF Serving folder of this machine, to a bucket, or to a Vertex endpoint.

    Args:
        config: The run's configuration.
        **channels: `model` and `model_blessing`.
    """
    if config.vertex is None:
        folder = os.path.join(config.output, "serving", config.name)
        target = pusher_pb2.PushDestination.Filesystem(base_directory=folder)
        return Pusher(push_destination=pusher_pb2.PushDestination(filesystem=target), **channels)
    return CloudPusher(_destination(config.vertex), **channels).with_id("Pusher")


def _destination(place: VertexConfig) -> Destination:
    endpoint, bucket = place.push.endpoint, place.push.bucket
    if endpoint is None:
        return Destination(place.project, place.region, bucket=bucket)
    return Destination(
        place.project,
        place.region,
        endpoint=endpoint.name,
        machine=endpoint.machine,
        replicas=(endpoint.min_replicas, endpoint.max_replicas),
        traffic_percent=endpoint.traffic_percent,
        serving_image=endpoint.serving_image,
        serving_tensorflow=tensorflow_of(endpoint.serving_image),
        service_account=endpoint.service_account,
        labels=tuple(sorted(place.labels.items())),
    )


def place_on_vertex(config: Config, nodes: Iterable[base_node.BaseNode]) -> None:
    """Puts the Beam components on Dataflow, and lets components read parameters of the run.

    Args:
        config: A configuration with a section `vertex`.
        nodes: The components, wired; changed in place.
    """
    place, values = config.vertex, run_parameters(config)
    if place is None:
        return
    for node in nodes:
        if node.id in STEPS and isinstance(node, base_beam_component.BaseBeamComponent):
            node.with_beam_pipeline_args([*dataflow_args(place, node.id), *config.beam.args])
        for name in READERS.get(node.id, ()):
            if name in values:
                parameter = tfx.dsl.experimental.RuntimeParameter(
                    name=name, ptype=type(values[name]), default=values[name]
                )
                node.exec_properties[name] = parameter
        if node.id == "Evaluator":
            node.exec_properties[GATE] = named_criteria_json(named_gate(config.gate))
        if node.id == "ReportGen":
            node.exec_properties["criteria"] = named_criteria_json(named_gate(config.gate))


def dataflow_args(place: VertexConfig, name: str) -> list[str]:
    """Pipeline options for Beam on Dataflow.

    A process of the SDK has one thread, and so holds one scan: Beam's default of 12 threads for
    each of a worker's CPUs would hold 48 scans on four of them.

    Args:
        place: Where the job runs.
        name: Of the step.
    """
    flow, step = place.dataflow, place.dataflow.step(name)
    account = flow.service_account or place.service_account
    options = {
        "runner": "DataflowRunner",
        "project": place.project,
        "region": place.region,
        "temp_location": f"{place.pipeline_root.rstrip('/')}/tmp",
        "sdk_container_image": place.image,
        "autoscaling_algorithm": flow.autoscaling,
        "num_workers": step.min_workers if flow.autoscaling != "NONE" else step.max_workers,
        "max_num_workers": step.max_workers,
        "machine_type": step.machine,
        "disk_size_gb": step.disk_gb,
        "number_of_worker_harness_threads": 1,
        "service_account_email": account,
        "network": flow.network,
        "subnetwork": flow.subnetwork,
    }
    return [
        *(f"--{key}={value}" for key, value in options.items() if value),
        *(["--experiments=no_use_multiple_sdk_containers"] if step.one_process else []),
        *([] if flow.public_ips else ["--no_use_public_ips"]),
        *(
            f"--dataflow_service_options={option}"
            for option in _service_options(flow.autoscaling, step)
        ),
        *(f"--labels={key}={value}" for key, value in sorted(place.labels.items())),
        f"--labels=step={name.lower()}",
    ]


def _service_options(autoscaling: str, step: StepConfig) -> list[str]:
    """Options of the service, https://cloud.google.com/dataflow/docs/reference/service-options."""
    options = []
    if autoscaling != "NONE":
        options.append(f"min_num_workers={step.min_workers}")
    if step.accelerator:
        kind = step.accelerator.lower().replace("_", "-")
        options.append(
            f"worker_accelerator=type:{kind};count:{step.accelerator_count};install-nvidia-driver"
        )
    return options
