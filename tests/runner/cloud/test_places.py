"""On which machines of Google Cloud a compiled job runs."""

import json
from typing import Any

import pytest
from apache_beam.options import pipeline_options

from pipeline.config import Config
from pipeline.loading import load_config
from pipeline.vertex_config import STEPS
from tests.runner.cloud.conftest import ROOT
from tests.runner.cloud.jobs import constant, containers
from tests.runner.cloud.values import OVERRIDES, REGISTRY


def test_training_asks_for_a_gpu_and_the_image(job: dict[str, Any]) -> None:
    config = json.loads(constant(job, "Trainer", "custom_config"))
    assert config["ai_platform_vertex_region"] == "europe-west4"
    training = config["ai_platform_training_args"]
    assert training["project"] == "my-project" and training["labels"] == {
        "application": "noduleflow"
    }
    (pool,) = training["job_spec"]["worker_pool_specs"]
    assert pool["machine_spec"] == {
        "machine_type": "g2-standard-16",
        "accelerator_type": "NVIDIA_L4",
        "accelerator_count": 1,
    }
    assert pool["container_spec"]["image_uri"].startswith(f"{REGISTRY}/noduleflow@sha256:")
    images = {one["image"] for one in containers(job).values()}
    assert images == {pool["container_spec"]["image_uri"]}


def beam_args(job: dict[str, Any], task: str) -> list[str]:
    arguments = containers(job)[task]["args"]
    return [one for one in arguments if one.startswith("--") and "=" in one] + [
        one for one in arguments if one == "--no_use_public_ips"
    ]


def test_the_beam_steps_and_no_others_go_to_dataflow(job: dict[str, Any]) -> None:
    sent = {task for task in containers(job) if "--runner=DataflowRunner" in beam_args(job, task)}
    assert sent == set(STEPS)
    for task in set(containers(job)) - sent:
        assert beam_args(job, task) == []


@pytest.mark.parametrize("task", STEPS)
def test_options_of_dataflow_are_ones_that_beam_knows(job: dict[str, Any], task: str) -> None:
    found = pipeline_options.PipelineOptions(beam_args(job, task)).get_all_options(
        drop_default=True
    )
    assert found["machine_type"] == "n2-standard-4"
    assert found["number_of_worker_harness_threads"] == 1
    assert found["autoscaling_algorithm"] == "THROUGHPUT_BASED"
    assert found["max_num_workers"] == (32 if task in ("CtExampleGen", "SegmentScans") else 4)
    assert found["dataflow_service_options"] == ["min_num_workers=1"]
    assert found["sdk_container_image"].startswith(f"{REGISTRY}/noduleflow@sha256:")
    assert found["service_account_email"] == "noduleflow@my-project.iam.gserviceaccount.com"
    assert found["labels"] == ["application=noduleflow", f"step={task.lower()}"]
    assert len(found) == len({one.partition("=")[0] for one in beam_args(job, task)})


def test_segmenting_on_a_gpu_is_an_option(config: Config) -> None:
    from pipeline.platforms import dataflow_args

    gpu = "{machine: g2-standard-4, accelerator: NVIDIA_L4, one_process: true}"
    chosen = load_config(
        str(ROOT / "configs/vertex.yaml"),
        [
            *OVERRIDES,
            f"vertex.dataflow.steps.SegmentScans={gpu}",
            "vertex.dataflow.public_ips=false",
        ],
        "cloud",
    )
    assert chosen.vertex is not None and config.vertex is not None
    found = dataflow_args(chosen.vertex, "SegmentScans")
    wanted = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
    assert f"--dataflow_service_options={wanted}" in found
    assert "--experiments=no_use_multiple_sdk_containers" in found
    assert "--machine_type=g2-standard-4" in found and "--no_use_public_ips" in found
    assert "nvidia" not in str(dataflow_args(chosen.vertex, "CtExampleGen"))
    assert "nvidia" not in str(dataflow_args(config.vertex, "SegmentScans"))


def test_the_endpoint_is_served_by_the_image_that_is_configured(job: dict[str, Any]) -> None:
    destination = json.loads(constant(job, "Pusher", "custom_config"))
    assert destination["serving_image"].startswith(f"{REGISTRY}/tensorflow-serving:2.21.0@sha256:")
    assert destination["serving_tensorflow"] == [2, 21]
    assert (destination["replicas"], destination["traffic_percent"]) == ([1, 2], 100)
    assert (destination["endpoint"], destination["bucket"]) == ("noduleflow", "")
