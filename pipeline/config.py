"""The configuration: one YAML file per way of running, validated into frozen typed objects.

Nothing heavy is imported here, so that a wrong key is answered at once.
"""

import os
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lungct.grid import Grid
from lungct.limits import VOLUME
from lungct.roots import MASKS, SPHERES
from lungct.storage import common_base, is_remote
from pipeline.cloud_names import BUCKET_FOLDER, CLOUD, fault_of
from pipeline.data_config import DataConfig, Place, absolute
from pipeline.gate import GateConfig
from pipeline.machines import has_bfloat16
from pipeline.section import Section
from pipeline.vertex_config import VertexConfig
from schema import features
from schema.custom_config import parse
from schema.hyperparameters import Hyperparameters, Intensity, Training, UNet
from schema.metrics import On
from schema.shares import complete_shares
from schema.slice_keys import ALL
from schema.splits import SplitRule

# Context of a validation that leaves open which data roots there are: a pushed model is judged on
# other data than gate and training were written for.
OTHER_DATA: Final = "other data"

_IN_A_BUCKET: Final = "a path in a bucket, gs://..., which workers can read"


class EvaluationConfig(Section):
    """How a model is judged.

    Attributes:
        probability_threshold: Probability from which a voxel is predicted.
        nodule_threshold: Probability that the most probable voxel of a nodule must have; as high
            as `probability_threshold` or lower leaves none out.
        train_patients: So many patients of the train split are judged; 0 for all.
        replicates: How often patients are drawn for intervals; 0 for none.
    """

    probability_threshold: float = Hyperparameters.probability_threshold
    nodule_threshold: float = Hyperparameters.nodule_threshold
    train_patients: Annotated[int, Field(ge=0)] = 0
    replicates: Annotated[int, Field(ge=0)] = 1000


class BeamConfig(Section):
    """Pipeline options for Apache Beam, such as `--runner=FlinkRunner`; empty runs in-process."""

    args: tuple[str, ...] = ()


class Config(Section):
    """One run, whole: what `create_pipeline` takes.

    With a section `vertex` the pipeline is wired for Vertex AI, without one for this machine.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = "noduleflow"
    output: Place = ""
    data: DataConfig = DataConfig()
    split: SplitRule = SplitRule()
    grid: Grid
    intensity: Intensity = Intensity()
    model: UNet = UNet()
    training: Training = Training()
    evaluation: EvaluationConfig = EvaluationConfig()
    gate: GateConfig
    beam: BeamConfig = BeamConfig()
    vertex: VertexConfig | None = None

    @field_validator("split")
    @classmethod
    def _split_of_absolute_path(cls, rule: SplitRule) -> SplitRule:
        if features.SPLIT_TRAIN not in rule.names:
            raise ValueError(
                f"expected patients to train on, got eval_fraction {rule.eval_fraction}"
            )
        return replace(rule, table=absolute(rule.table))

    @field_validator("data")
    @classmethod
    def _data_in_buckets(cls, data: DataConfig, info: ValidationInfo) -> DataConfig:
        """Refuses data that no worker on Google Cloud can read."""
        if info.context != CLOUD:
            return data
        outlines = [folder for root in data.roots for folder in root.outlines]
        paths = [*(root.path for root in data.roots), *outlines, data.checksums]
        faults = [fault_of(path, BUCKET_FOLDER, _IN_A_BUCKET) for path in paths if path]
        if not data.roots:
            faults = ["expected data.roots, the folders of the scans in a bucket, got none"]
        if any(faults):
            raise ValueError("; ".join(filter(None, faults)))
        return data

    @field_validator("split")
    @classmethod
    def _split_in_a_bucket(cls, rule: SplitRule, info: ValidationInfo) -> SplitRule:
        fault = fault_of(rule.table, BUCKET_FOLDER, _IN_A_BUCKET) if rule.table else ""
        if info.context == CLOUD and fault:
            raise ValueError(fault)
        return rule

    @model_validator(mode="after")
    def _can_go_to_the_cloud(self, info: ValidationInfo) -> "Config":
        if info.context != CLOUD:
            return self
        if self.vertex is None:
            raise ValueError("expected a section vertex, got none")
        trainer, precision = self.vertex.trainer, self.training.mixed_precision
        asked = precision == "mixed_bfloat16" and trainer.accelerator_count > 0
        if asked and not has_bfloat16(trainer.accelerator):
            expected = "expected an accelerator with bfloat16 for training.mixed_precision"
            raise ValueError(f"{expected} {precision}, got {trainer.accelerator}")
        return self

    @model_validator(mode="after")
    def _lies_together(self) -> "Config":
        """Refuses inputs in several buckets, which TFX has no one base for."""
        outlines = [folder for root in self.data.roots for folder in root.outlines]
        files = [path for path in (self.data.checksums, self.split.table) if path]
        folders = [*(root.path for root in self.data.roots), *outlines]
        if folders:
            common_base([*folders, *map(os.path.dirname, files)])
        if self.data.with_phantom and (self.vertex is not None or is_remote((folders or [""])[0])):
            expected = "expected data on this machine where the phantom is made beside it"
            raise ValueError(f"data.with_phantom: {expected}, got {', '.join(folders)}")
        return self

    @model_validator(mode="after")
    def _fits_its_data(self, info: ValidationInfo) -> "Config":
        if self.data.roots and info.context != OTHER_DATA:
            self.check_data()
        return self

    @model_validator(mode="after")
    def _has_intervals(self) -> "Config":
        for name, one in self.gate.items():
            if one.on is not On.VALUE and not self.evaluation.replicates:
                got = f"evaluation.replicates 0 and gate.{name}.on {one.on.value}"
                raise ValueError(f"expected replicates for a bound of an interval, got {got}")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "Config":
        parse(self.learning())
        judged = (ALL, *self.splits)
        for name, one in self.gate.items():
            if one.split not in judged:
                expected = f"expected one of the splits {', '.join(judged)}"
                raise ValueError(f"gate.{name}: {expected}, got {one.split!r}")
        return self

    @model_validator(mode="after")
    def _knows_its_roots(self, info: ValidationInfo) -> "Config":
        for name, one in self.gate.items():
            if one.source not in (ALL, *self.data.sources) and info.context != OTHER_DATA:
                expected = f"expected one of the data roots {', '.join((ALL, *self.data.sources))}"
                raise ValueError(f"gate.{name}.source: {expected}, got {one.source!r}")
        return self

    def check_data(self) -> None:
        """Raises ValueError where training's shares, or the phantom, don't fit the data roots."""
        data = self.data
        if not data.roots and (data.region == VOLUME or data.truth == MASKS):
            got = f"data.region {data.region} and data.truth {data.truth or SPHERES}"
            raise ValueError(
                f"expected data roots, since a phantom is no crop, got none with {got}"
            )
        if self.training.shares:
            try:
                complete_shares(self.training.shares, dict.fromkeys(self.data.sources, 1.0))
            except ValueError as error:
                raise ValueError(f"training.shares: {error}") from None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the examples fall into."""
        return self.split.names

    def learning(self) -> dict[str, Any]:
        """What Transform and Trainer are given: plain JSON, so that TFX's cache sees it."""
        sections = self.model_dump(
            mode="json", include={"grid", "split", "intensity", "model", "training"}
        )
        return {
            **sections,
            "probability_threshold": self.evaluation.probability_threshold,
            "nodule_threshold": self.evaluation.nodule_threshold,
        }

    def described(self) -> dict[str, Any]:
        """The whole configuration as plain JSON, for reports."""
        return self.model_dump(mode="json")
