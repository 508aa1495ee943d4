"""The section `vertex` of the configuration: where on Google Cloud a run goes, on which machines.

Formats of names are checked where the validation's context is `CLOUD`: see `pipeline.cloud_names`.
"""

import importlib.metadata
from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, ValidationInfo, model_validator

from pipeline.cloud_names import (
    CLOUD,
    BucketFolder,
    EndpointName,
    Image,
    Labels,
    MachineType,
    OptionalBucketFolder,
    OptionalMachineType,
    OptionalNetwork,
    OptionalNetworkName,
    OptionalServiceAccount,
    OptionalSubnetwork,
    Project,
    Region,
    minor_version,
    tensorflow_of,
)
from pipeline.machines import Accelerator, accelerator_fault, memory_fault
from pipeline.section import Section

Count = Annotated[int, Field(ge=1)]

# The Beam components, by the names of their tasks.
Step = Literal["CtExampleGen", "StatisticsGen", "Transform", "SegmentScans", "Evaluator"]
STEPS: Final[tuple[str, ...]] = get_args(Step)

# What a process with one scan takes at the most, in GiB, from "Cost of LUNA16 as a whole" in
# docs/measured.md (1.3 for reading a scan of 300 slices, 5.0 for segmenting it with 32 filters).
NEEDED_GIB: Final = 2.0
NEEDED_TO_SEGMENT_GIB: Final = 6.0


class TrainerConfig(Section):
    """The machine of the Vertex custom job that trains.

    Attributes:
        machine: Its type.
        accelerator: Kind of GPU, as Vertex AI names it.
        accelerator_count: How many of them; 0 for none.
        disk_gb: Size of its SSD.
    """

    machine: MachineType = "g2-standard-16"
    accelerator: Accelerator = "NVIDIA_L4"
    accelerator_count: Annotated[int, Field(ge=0, le=16)] = 1
    disk_gb: Annotated[int, Field(ge=100)] = 200

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> "TrainerConfig":
        checked = info.context == CLOUD and self.accelerator_count
        fault = accelerator_fault(self.machine, self.accelerator) if checked else ""
        if fault:
            raise ValueError(fault)
        return self


class StepConfig(Section):
    """What is different for one step; what is left out is as for all of them.

    Attributes:
        machine: Type of the workers.
        min_workers: So many stay, however little there is to do.
        max_workers: At most so many.
        disk_gb: Size of a worker's disk.
        one_process: Whether a worker has one process for all its CPUs, and so one scan at a time,
            in place of one each CPU.
        accelerator: Kind of GPU of each worker; none where it is left out.
        accelerator_count: How many of them.
    """

    machine: OptionalMachineType = ""
    min_workers: Count | None = None
    max_workers: Count | None = None
    disk_gb: Annotated[int, Field(ge=30)] | None = None
    one_process: bool = False
    accelerator: Accelerator | None = None
    accelerator_count: Count = 1


class DataflowConfig(Section):
    """The workers of the Beam steps.

    Attributes:
        machine: Type of the workers.
        autoscaling: `THROUGHPUT_BASED`, or `NONE` for `max_workers` all the time.
        min_workers: So many stay, however little there is to do.
        max_workers: At most so many, for each step.
        disk_gb: Size of a worker's disk.
        service_account: Of the workers; empty for that of the job.
        network: Its name; empty for the default.
        subnetwork: `regions/REGION/subnetworks/NAME`; empty for the network's own.
        public_ips: Whether workers have addresses on the internet; without them the subnetwork
            needs Private Google Access.
        steps: What is different for single steps.
    """

    machine: MachineType = "n2-standard-4"
    autoscaling: Literal["THROUGHPUT_BASED", "NONE"] = "THROUGHPUT_BASED"
    min_workers: Count = 1
    max_workers: Count = 32
    disk_gb: Annotated[int, Field(ge=30)] = 50
    service_account: OptionalServiceAccount = ""
    network: OptionalNetworkName = ""
    subnetwork: OptionalSubnetwork = ""
    public_ips: bool = True
    steps: dict[Step, StepConfig] = {}

    def step(self, name: str) -> StepConfig:
        """What holds for one step: nothing is left out of it but the accelerator."""
        said = self.steps.get(name, StepConfig())  # type: ignore[call-overload]
        filled = {
            key: getattr(said, key) or getattr(self, key)
            for key in ("machine", "min_workers", "max_workers", "disk_gb")
        }
        return StepConfig.model_validate({**said.model_dump(), **filled})

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> "DataflowConfig":
        faults = list(self._faults()) if info.context == CLOUD else []
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        for name in STEPS:
            step = self.step(name)
            if (step.min_workers or 0) > (step.max_workers or 0):
                got = f"min_workers {step.min_workers} and max_workers {step.max_workers}"
                yield f"steps.{name}: expected at most max_workers as min_workers, got {got}"
            needed = NEEDED_TO_SEGMENT_GIB if name == "SegmentScans" else NEEDED_GIB
            memory = memory_fault(step.machine, 1 if step.one_process else None, needed)
            if memory:
                yield f"steps.{name}: {memory}"
            gpu = step.accelerator and accelerator_fault(step.machine, step.accelerator)
            if gpu:
                yield f"steps.{name}: {gpu}"
            if step.accelerator and not step.one_process:
                # Else every process of a worker takes all the memory of the GPU that they share.
                yield f"steps.{name}: expected one_process: true with an accelerator, got false"


class EndpointConfig(Section):
    """A Vertex AI endpoint that serves what is pushed.

    Attributes:
        name: Its display name; it is made where there is none.
        machine: Type of the machines that serve.
        min_replicas: So many serve, however few requests come.
        max_replicas: At most so many.
        traffic_percent: Share of the requests that a newly pushed model gets; those that were
            there share the rest as they did. The first model of an endpoint gets all.
        serving_image: TensorFlow Serving of the version that exports, by digest, in a registry of
            the user's: Google's own containers end at TensorFlow 2.15. A tag beside the digest
            tells the version.
        service_account: Of the serving container; empty for Vertex AI's own.
    """

    name: EndpointName = "noduleflow"
    machine: MachineType = "n2-standard-4"
    min_replicas: Count = 1
    max_replicas: Count = 1
    traffic_percent: Annotated[int, Field(ge=0, le=100)] = 100
    serving_image: Image
    service_account: OptionalServiceAccount = ""

    @model_validator(mode="after")
    def _can_serve(self, info: ValidationInfo) -> "EndpointConfig":
        if info.context != CLOUD:
            return self
        if self.min_replicas > self.max_replicas:
            got = f"min_replicas {self.min_replicas} and max_replicas {self.max_replicas}"
            raise ValueError(f"expected at most max_replicas as min_replicas, got {got}")
        ours = importlib.metadata.version("tensorflow")
        theirs = tensorflow_of(self.serving_image)
        if theirs is not None and theirs < minor_version(ours):
            expected = f"expected a serving_image of TensorFlow {ours} or newer, which exports here"
            raise ValueError(f"{expected}, got {self.serving_image}")
        return self


class PushConfig(Section):
    """Where a blessed model goes.

    Attributes:
        enabled: Whether it goes anywhere.
        endpoint: A Vertex AI endpoint; or
        bucket: a folder that TensorFlow Serving watches.
    """

    enabled: bool = True
    endpoint: EndpointConfig | None = None
    bucket: OptionalBucketFolder = ""

    @model_validator(mode="after")
    def _one_place(self) -> "PushConfig":
        if (self.endpoint is None) == (not self.bucket):
            got = "both" if self.bucket else "none"
            raise ValueError(f"expected an endpoint or a bucket to push to, got {got}")
        return self


class VertexConfig(Section):
    """Vertex AI: where the job runs, in which image, on which machines.

    Attributes:
        project: Its id.
        region: Of all of it; the buckets should be there too, or reading costs time and money.
        image: The project's image, by digest.
        pipeline_root: Folder in a bucket for all that a run writes.
        service_account: That the tasks run as; empty for the project's default.
        network: To which the tasks are peered; empty for none.
        labels: Of everything that bills.
        trainer: The machine that trains.
        dataflow: The workers of the Beam steps.
        push: Where a blessed model goes.
    """

    project: Project
    region: Region
    image: Image
    pipeline_root: BucketFolder
    service_account: OptionalServiceAccount = ""
    network: OptionalNetwork = ""
    labels: Labels = {}
    trainer: TrainerConfig = TrainerConfig()
    dataflow: DataflowConfig = DataflowConfig()
    push: PushConfig
