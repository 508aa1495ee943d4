"""The configuration: one YAML file per way of running, validated into frozen typed objects.

Nothing heavy is imported here, so that a wrong key is answered at once.
"""

import os
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schema import features
from schema.hyperparameters import Intensity, Training, UNet, parse

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Spacing = Annotated[float, Field(ge=0.1, le=20.0)]
PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Bucket = Literal["3-6", "6-8", "8-15", "15+"]
SplitName = Literal["train", "eval", "test"]


def absolute(path: str) -> str:
    """A path from the root of this machine or of a bucket; nothing stays nothing.

    Raises:
        ValueError: If it holds a sign that TFX would take for a pattern, and so find no file.
    """
    found = path if not path or "://" in path else os.path.abspath(path)
    if set("*?[]") & set(found):
        raise ValueError(f"expected a path without *, ?, [ and ], got {found}")
    return found


Place = Annotated[str, AfterValidator(absolute)]


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
    """Where the scans are, what counts as nodule in them, and how much of them may be lost.

    Nodules are spheres of the annotated diameter (`truth: spheres`) or what at least `min_readers`
    of LIDC's readers outlined (`truth: lidc`, XML files in ROOT/lidc and in the folders
    `outlines`); a series without outlines takes spheres or is refused. `sums` is a list of SHA-256
    sums, as those named SHA256SUMS beside the scans, which are found by themselves.
    """

    roots: tuple[Place, ...] = ()
    phantom: PhantomConfig = PhantomConfig()
    truth: Literal["spheres", "lidc"] = "spheres"
    min_readers: Annotated[int, Field(ge=1, le=12)] = 2
    outlines: tuple[Place, ...] = ()
    without_outlines: Literal["spheres", "refuse"] = "spheres"
    sums: Place = ""
    max_quarantined_fraction: Fraction = 0.2


class SplitConfig(Section):
    """How scans are split; all scans of a patient share a split.

    By `fold`, the subset of LUNA16 to evaluate on; or by `table`, a CSV file with the column split
    and seriesuid or patient_id, whose splits are `table_splits`; or else by a hash of the patient,
    so that growing data never moves a patient between splits.
    """

    eval_fraction: Fraction = 0.2
    test_fraction: Fraction = 0.0
    salt: str = ""
    fold: Annotated[int, Field(ge=0, le=9, strict=True)] | None = None
    table: Place = ""
    table_splits: tuple[SplitName, ...] = ("train", "eval")

    @property
    def names(self) -> tuple[str, ...]:
        """The splits that the examples fall into."""
        names = (features.SPLIT_TRAIN, features.SPLIT_EVAL)
        if self.fold is not None:
            return names
        tested = features.SPLIT_TEST in self.table_splits if self.table else self.test_fraction > 0
        return (*names, features.SPLIT_TEST) if tested else names

    @model_validator(mode="after")
    def _is_one_way(self) -> "SplitConfig":
        if self.fold is not None and self.table:
            raise ValueError(f"expected fold or table, got both: {self.fold} and {self.table}")
        if not {features.SPLIT_TRAIN, features.SPLIT_EVAL} <= set(self.table_splits):
            raise ValueError(f"expected train and eval in table_splits, got {self.table_splits}")
        return self

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
    output: Place = ""
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
        return self.split.names

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
