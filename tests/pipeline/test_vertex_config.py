"""The section `vertex`: names and machines that can't be right are refused before use."""

import importlib.metadata
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1.types import AcceleratorType

from pipeline.cloud_names import CLOUD, minor_version, tensorflow_of
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config
from pipeline.machines import ACCELERATORS, Machine, accelerator_fault, has_bfloat16, memory_fault
from tests.runner.cloud.values import DIGEST, OVERRIDES, REGISTRY

ROOT = Path(__file__).resolve().parents[2]
VERTEX = str(ROOT / "configs/vertex.yaml")


def load(*overrides: str, context: str | None = CLOUD) -> Config:
    keys = {one.partition("=")[0] for one in overrides}
    kept = [one for one in OVERRIDES if one.partition("=")[0] not in keys]
    return load_config(VERTEX, [*kept, *overrides], context)


@pytest.mark.parametrize(
    "override",
    [
        "vertex.project=example.com:my-project-1",
        "vertex.region=northamerica-northeast1",
        "vertex.region=us-central1",
        f"vertex.image=localhost:5000/a/b:v1.2@{DIGEST}",
        "vertex.pipeline_root=gs://my_bucket.with-dots",
        "data.roots=[gs://my-bucket/LUNA16/some data]",
        "vertex.service_account=''",
        "vertex.service_account=123-compute@developer.gserviceaccount.com",
        "vertex.network=projects/12345/global/networks/my-network",
        "vertex.dataflow.subnetwork=regions/europe-west4/subnetworks/a",
        "vertex.labels={a: '', b_c: d-1}",
        "vertex.trainer={machine: a2-highgpu-1g, accelerator: NVIDIA_TESLA_A100}",
        "vertex.trainer={machine: n2-standard-8, accelerator_count: 0}",
        "vertex.dataflow.steps={}",
        "vertex.push={bucket: gs://my-bucket/serving}",
        "vertex.push.endpoint.name=LUNA16 nodules",
        f"vertex.push.endpoint.serving_image={REGISTRY}/serving@{DIGEST}",
    ],
)
def test_what_is_right_is_taken(override: str) -> None:
    if override == "vertex.dataflow.steps={}":
        override = "vertex.dataflow={steps: {SegmentScans: {one_process: true}}}"
    assert load(override).vertex is not None


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("vertex.project=My-Project", "vertex.project: expected the id of a project (6 to 30"),
        ("vertex.project=PROJECT_ID", "got the placeholder PROJECT_ID"),
        ("vertex.project=short", "got 'short'"),
        ("vertex.project=''", "got ''"),
        ("vertex.project=12", "vertex.project: input should be a valid string, got 12"),
        (
            "vertex.region=europe-west4-a",
            "vertex.region: expected a region such as europe-west4",
        ),
        ("vertex.region=Europe", "got 'Europe'"),
        (f"vertex.image={REGISTRY}/a:latest", "vertex.image: expected an image by its digest"),
        (f"vertex.image={REGISTRY}/a@sha256:00", "expected an image by its digest"),
        (f"vertex.image={REGISTRY}/A@{DIGEST}", "expected an image by its digest"),
        ("vertex.pipeline_root=my-bucket/a", "vertex.pipeline_root: expected a folder in a bucket"),
        ("vertex.pipeline_root=gs://My-Bucket", "got 'gs://My-Bucket'"),
        ("vertex.pipeline_root=gs://YOUR_BUCKET/a", "got the placeholder gs://YOUR_BUCKET/a"),
        ("vertex.pipeline_root=s3://my-bucket/a", "expected a folder in a bucket, gs://..."),
        ("vertex.service_account=me@example.com", "vertex.service_account: expected a service ac"),
        ("vertex.network=my-network", "vertex.network: expected a network such as projects/NUMBER"),
        ("vertex.network=projects/NUMBER/global/networks/NAME", "got the placeholder projects/NUM"),
        ("vertex.labels={A: b}", "vertex.labels: expected a label of lower-case letters"),
        ("vertex.labels={a: B c}", "got a: B c"),
        ("vertex.labels={a: 1}", "vertex.labels.a: input should be a valid string"),
        (
            "vertex.trainer.machine=big",
            "vertex.trainer.machine: expected a machine type such as",
        ),
        ("vertex.trainer.accelerator=NVIDIA_T4", "vertex.trainer.accelerator: input should be 'NV"),
        (
            "vertex.trainer.accelerator=NVIDIA_TESLA_T4",
            "vertex.trainer: expected a machine of series n1 for NVIDIA_TESLA_T4, got g2-sta",
        ),
        ("vertex.trainer.accelerator_count=17", "less than or equal to 16"),
        ("vertex.dataflow.machine=n2", "vertex.dataflow.machine: expected a machine type"),
        (
            "vertex.dataflow.machine=n2-highcpu-8",
            "CtExampleGen: expected at least 2 GiB for a process with one scan, got n2-highcpu-8",
        ),
        (
            "vertex.dataflow.steps.SegmentScans={machine: n1-standard-1, one_process: true}",
            "SegmentScans: expected at least 6 GiB for a process with one scan, got n1-st",
        ),
        (
            "vertex.dataflow.steps.SegmentScans={one_process: false}",
            "SegmentScans: expected at least 6 GiB for a process with one scan, got n2-standard-4 "
            "with 4 GiB for each of 4",
        ),
        (
            "vertex.dataflow.steps.SegmentScans={machine: n1-highmem-8, accelerator: "
            "NVIDIA_TESLA_T4}",
            "SegmentScans: expected one_process: true with an accelerator, got false",
        ),
        (
            "vertex.dataflow.steps.SegmentScans={accelerator: NVIDIA_L4, one_process: true}",
            "SegmentScans: expected a machine of series g2 for NVIDIA_L4, got n2-standard-4",
        ),
        (
            "vertex.dataflow.min_workers=40",
            "expected at most max_workers as min_workers, got",
        ),
        ("vertex.dataflow.max_workers=0", "greater than or equal to 1"),
        ("vertex.dataflow.autoscaling=SOME", "vertex.dataflow.autoscaling: input should be 'THR"),
        ("vertex.dataflow.network=a/b", "vertex.dataflow.network: expected the name of a network"),
        ("vertex.dataflow.subnetwork=a", "vertex.dataflow.subnetwork: expected a subnetwork such"),
        ("vertex.dataflow.steps={Trainer: {}}", "vertex.dataflow.steps.Trainer"),
        ("vertex.push.bucket=gs://my-bucket/a", "vertex.push: expected an endpoint or a bucket to"),
        ("vertex.push={}", "expected an endpoint or a bucket to push to, got none"),
        ("vertex.push={bucket: my-bucket}", "vertex.push.bucket: expected a folder in a bucket"),
        ("vertex.push.endpoint.traffic_percent=101", "less than or equal to 100"),
        ("vertex.push.endpoint.name=''", "vertex.push.endpoint.name: expected a display name"),
        ("vertex.push.endpoint.name=ENDPOINT_NAME", "got the placeholder ENDPOINT_NAME"),
        ("vertex.push.endpoint.min_replicas=3", "expected at most max_replicas as min_replicas, g"),
        (
            f"vertex.push.endpoint.serving_image={REGISTRY}/tf2-cpu.2-15@{DIGEST}",
            "vertex.push.endpoint: expected a serving_image of TensorFlow "
            f"{importlib.metadata.version('tensorflow')} or newer, which exports here, got europe",
        ),
        (f"vertex.push.endpoint.serving_image={REGISTRY}/serving:1.15.0@{DIGEST}", "or newer"),
        ("data.roots=[/home/me/scans]", "data: expected a path in a bucket, gs://..., which work"),
        ("data.roots=[]", "data: expected data.roots, the folders of the scans in a bucket, got n"),
        ("data.roots=[{path: gs://abc/d, outlines: [/xml]}]", "got '/xml'"),
        ("split.table=splits.csv", "split: expected a path in a bucket"),
        ("split.table=gs://BUCKET/splits.csv", "split: expected a path in a bucket"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(override)
    (fault,) = caught.value.faults
    assert expected in fault
    assert fault.startswith(f"--set {override}: ")
    assert len(fault.splitlines()) == 1


def test_bfloat16_needs_an_accelerator_that_has_it() -> None:
    asked = "training.mixed_precision=mixed_bfloat16"
    t4 = "vertex.trainer={machine: n1-standard-16, accelerator: NVIDIA_TESLA_T4}"
    assert load(asked).training.mixed_precision == "mixed_bfloat16"
    assert load(t4).vertex is not None
    with pytest.raises(ConfigError, match="with bfloat16 for training.mixed_precision mixed_bf"):
        load(asked, t4)


def test_without_a_section_nothing_goes_to_the_cloud() -> None:
    with pytest.raises(ConfigError, match="expected a section vertex, got none"):
        load_config(str(ROOT / "configs/luna16.yaml"), ["data.roots=[gs://abc/d]"], CLOUD)


def test_placeholders_may_be_read_where_nothing_is_sent() -> None:
    config = load_config(VERTEX)
    assert config.vertex is not None and config.vertex.project == "PROJECT"


def test_what_a_step_leaves_out_is_as_for_all() -> None:
    config = load("vertex.dataflow.steps.Transform={max_workers: 2, machine: n1-standard-2}")
    assert config.vertex is not None
    flow = config.vertex.dataflow
    transform, ingest = flow.step("Transform"), flow.step("CtExampleGen")
    assert (transform.machine, transform.max_workers) == ("n1-standard-2", 2)
    assert (transform.min_workers, transform.disk_gb) == (1, 50)
    assert (ingest.machine, ingest.max_workers, ingest.one_process) == ("n2-standard-4", 32, False)


def test_accelerators_are_those_of_vertex_ai() -> None:
    assert set(ACCELERATORS) <= {kind.name for kind in AcceleratorType}
    for accelerator in ACCELERATORS:
        assert accelerator_fault("e2-standard-4", accelerator).startswith("expected a machine of")
    assert [has_bfloat16(one) for one in ("NVIDIA_TESLA_T4", "NVIDIA_L4")] == [False, True]


@pytest.mark.parametrize(
    ("name", "cpus", "memory"),
    [
        ("n1-standard-4", 4, 15.0),  # 4 of 3.75
        ("n1-highmem-2", 2, 13.0),  # 2 of 6.5
        ("n2-highmem-4", 4, 32.0),
        ("e2-highcpu-8", 8, 8.0),
        ("c3-highcpu-4", 4, 8.0),
        ("g2-standard-16", 16, 64.0),
        ("c4-highcpu-4", 4, None),
        ("a2-highgpu-1g", None, None),
        ("e2-medium", None, None),
    ],
)
def test_memory_of_machines(name: str, cpus: int | None, memory: float | None) -> None:
    assert (Machine(name).cpus, Machine(name).memory_gib) == (cpus, memory)


def test_memory_is_shared_by_processes() -> None:
    assert memory_fault("n1-standard-4", None, 3.75) == ""
    assert "3.75 GiB for each of 4" in memory_fault("n1-standard-4", None, 3.76)
    assert memory_fault("n1-standard-4", 1, 15.0) == ""
    assert memory_fault("a2-highgpu-1g", None, 1000.0) == ""


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("r/p/tensorflow-serving:2.16.1@sha256:0", (2, 16)),
        ("host:5000/serving:v2.21@sha256:0", (2, 21)),
        ("us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15@sha256:0", (2, 15)),
        ("us-docker.pkg.dev/vertex-ai/prediction/tf2-gpu.2-9:latest", (2, 9)),
        ("host:5000/serving@sha256:0", None),
        ("r/serving:latest@sha256:0", None),
    ],
)
def test_versions_of_serving_images(image: str, expected: tuple[int, int] | None) -> None:
    assert tensorflow_of(image) == expected
    assert minor_version("2.16.2") == (2, 16)
