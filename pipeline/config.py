"""The configuration: one YAML file per way of running, validated into frozen typed objects.

Nothing heavy is imported here, so that a wrong key is answered at once.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schema import features
from schema.hyperparameters import Intensity, Training, UNet, parse

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Spacing = Annotated[float, Field(ge=0.1, le=20.0)]
PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Bucket = Literal["3-6", "6-8", "8-15", "15+"]


class Section(BaseModel):
    """A frozen part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PhantomConfig(Section):
    """The phantom data set that stands in where no data root is given."""

    scans: Annotated[int, Field(ge=1, le=999_999)] = 24
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    shape: tuple[
        Annotated[int, Field(ge=24)], Annotated[int, Field(ge=48)], Annotated[int, Field(ge=48)]
    ] = (96, 256, 256)

    @property
    def folder(self) -> str:
        """Name of the folder of just these phantoms."""
        return "-".join(map(str, ("phantom", self.seed, self.scans, *self.shape)))


class DataConfig(Section):
    """Where the scans are, and how much of them may be lost."""

    roots: tuple[str, ...] = ()
    phantom: PhantomConfig = PhantomConfig()
    max_quarantined_fraction: Fraction = 0.2


class SplitConfig(Section):
    """Splits by a hash of the patient: growing data never moves a patient between splits."""

    eval_fraction: Fraction = 0.2
    test_fraction: Fraction = 0.0
    salt: str = ""

    @model_validator(mode="after")
    def _leaves_patients_to_train_on(self) -> "SplitConfig":
        held_out = self.eval_fraction + self.test_fraction
        if self.eval_fraction == 0.0 or held_out >= 1.0:
            raise ValueError(
                "expected 0 < eval_fraction and eval_fraction + test_fraction < 1, "
                f"got {self.eval_fraction} + {self.test_fraction}"
            )
        return self


class GridSection(Section):
    """The working grid: millimetres per voxel along (z, y, x) and pixels per slice."""

    spacing_mm: tuple[Spacing, Spacing, Spacing]
    slice_size: Annotated[int, Field(ge=32, le=1024)]
    context: Annotated[int, Field(ge=0, le=8)] = 1
    lung_margin_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0


class GateConfig(Section):
    """What a model must reach on the eval split to be blessed."""

    pooled_dice: Fraction
    mean_slice_dice: Fraction
    bucket_pooled_dice: dict[Bucket, Fraction] = Field(default_factory=dict)
    max_drop_against_last_blessed: Fraction = 0.02


class EvaluationConfig(Section):
    """How predictions become masks."""

    probability_threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5


class BeamConfig(Section):
    """Pipeline options for Apache Beam, such as `--runner=FlinkRunner`; empty runs in-process."""

    args: tuple[str, ...] = ()


class VertexConfig(Section):
    """Vertex AI: where the job runs, in which image, on which machines."""

    project: str
    region: str
    image: str
    pipeline_root: str
    service_account: str = ""
    trainer_machine: str = "n1-standard-16"
    accelerator: str = "NVIDIA_TESLA_T4"
    accelerator_count: Annotated[int, Field(ge=0, le=16)] = 1
    endpoint: str = "noduleflow"
    serving_image: str
    serving_machine: str = "n1-standard-4"
    dataflow_workers: PositiveInt = 32
    dataflow_machine: str = "n1-standard-4"


class Config(Section):
    """One run, whole: what `create_pipeline` takes.

    With a section `vertex` the pipeline is wired for Vertex AI, without one for this machine.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = "noduleflow"
    output: str = ""
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    grid: GridSection
    intensity: Intensity = Intensity()
    model: UNet = UNet()
    training: Training = Training()
    evaluation: EvaluationConfig = EvaluationConfig()
    gate: GateConfig
    beam: BeamConfig = BeamConfig()
    vertex: VertexConfig | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Config":
        parse(self.learning())
        return self

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the examples fall into."""
        names = (features.SPLIT_TRAIN, features.SPLIT_EVAL)
        return (*names, features.SPLIT_TEST) if self.split.test_fraction > 0 else names

    def learning(self) -> dict[str, Any]:
        """What Transform and Trainer are given: plain JSON, so that TFX's cache sees it."""
        sections = self.model_dump(mode="json", include={"grid", "intensity", "model", "training"})
        return {
            **sections,
            "probability_threshold": self.evaluation.probability_threshold,
        }

    def described(self) -> dict[str, Any]:
        """The whole configuration as plain JSON, for reports."""
        return self.model_dump(mode="json")
