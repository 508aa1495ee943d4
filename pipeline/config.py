"""The configuration: one YAML file per way of running, validated into frozen typed objects.

Nothing heavy is imported here, so that a wrong key is answered at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lungct.grid import Grid
from lungct.roots import DataRoot, RootValues, source_names
from lungct.storage import common_base, is_remote
from phantom.order import Order
from pipeline.gate import GateConfig
from pipeline.section import Section
from schema import features
from schema.hyperparameters import Hyperparameters, Intensity, Training, UNet, parse
from schema.metrics import On
from schema.slice_keys import ALL
from schema.splits import SplitRule

# What may be said of each root, or for all of them at once.
SHARED = tuple(field.name for field in fields(RootValues))

# Context of a validation that leaves open which data roots there are: a pushed model is judged on
# other data than the gate was written for.
OTHER_DATA: Final = "other data"

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]


def absolute(path: str) -> str:
    """A path from the root of this machine or of a bucket; an empty one stays empty.

    Raises:
        ValueError: If it holds a sign that TFX would take for a pattern, and so find no file.
    """
    found = path if not path or is_remote(path) else os.path.abspath(path)
    if set("*?[]") & set(found):
        raise ValueError(f"expected a path without *, ?, [ and ], got {found}")
    return found


Place = Annotated[str, AfterValidator(absolute)]


@dataclass(frozen=True, kw_only=True)
class DataConfig(RootValues):
    """Where the scans are, and how many of them may be lost.

    Attributes:
        roots: Folders, or mappings with the keys of `lungct.roots.DataRoot`. What a root leaves out
            of RootValues it has from here.
        phantom: The data set that stands in where no root is given.
        checksums: A list of checksums besides those named SHA256SUMS beside the scans, which are
            found by themselves.
        max_quarantined_fraction: Largest share of the scans found that may be unusable.
    """

    roots: tuple[DataRoot, ...] = ()
    phantom: Order = Order()
    checksums: Place = ""
    max_quarantined_fraction: Fraction = 0.2

    @field_validator("roots")
    @classmethod
    def _absolute_paths(cls, roots: tuple[DataRoot, ...]) -> tuple[DataRoot, ...]:
        """The same roots by absolute paths."""
        return tuple(
            replace(r, path=absolute(r.path), outlines=tuple(map(absolute, r.outlines)))
            for r in roots
        )

    @field_validator("outlines")
    @classmethod
    def _absolute_outlines(cls, outlines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(absolute, outlines))

    def root(self, path: str) -> DataRoot:
        """A folder of which nothing else is said."""
        return DataRoot(path=path, **{name: getattr(self, name) for name in SHARED})


def complete_roots(data: Any) -> Any:
    """The section `data` as it was read, where every root has what is said for all."""
    if not isinstance(data, dict) or not isinstance(data.get("roots"), (list, tuple)):
        return data
    shared = {name: data[name] for name in SHARED if name in data}
    return {**data, "roots": [_completed(root, shared) for root in data["roots"]]}


def _completed(root: Any, shared: Mapping[str, Any]) -> Any:
    """A root as a mapping with what is said for all roots."""
    if isinstance(root, str):
        return {**shared, "path": root}
    return {**shared, **root} if isinstance(root, dict) else root


class EvaluationConfig(Section):
    """How a model is judged.

    Attributes:
        probability_threshold: Probability from which a voxel is predicted.
        train_patients: So many patients of the train split are judged; 0 for all.
        replicates: How often patients are drawn for intervals; 0 for none.
    """

    probability_threshold: float = Hyperparameters.probability_threshold
    train_patients: Annotated[int, Field(ge=0)] = 0
    replicates: Annotated[int, Field(ge=0)] = 1000


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

    @model_validator(mode="after")
    def _lies_together(self) -> "Config":
        """Refuses inputs in several buckets, which TFX has no one base for."""
        outlines = [folder for root in self.data.roots for folder in root.outlines]
        files = [path for path in (self.data.checksums, self.split.table) if path]
        folders = [*(root.path for root in self.data.roots), *outlines]
        if folders:
            common_base([*folders, *map(os.path.dirname, files)])
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
            if one.source not in (ALL, *self.sources) and info.context != OTHER_DATA:
                expected = f"expected one of the data roots {', '.join((ALL, *self.sources))}"
                raise ValueError(f"gate.{name}.source: {expected}, got {one.source!r}")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """What the data roots are called in figures, that of the phantom where none is given."""
        roots = self.data.roots or (self.data.root(self.data.phantom.folder),)
        return tuple(dict.fromkeys(source_names(roots).values()))

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
        }

    def described(self) -> dict[str, Any]:
        """The whole configuration as plain JSON, for reports."""
        return self.model_dump(mode="json")
