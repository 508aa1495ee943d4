"""`model.json`: what the users of an exported model must know, written once and read everywhere."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lungct.grid import Grid
from lungct.record import ScanRecord
from schema.thresholds import Thresholds

_HASH_DIGITS: Final = 16


@dataclass(frozen=True)
class DataFacts:
    """What examples were made from; lies beside them as `data.json`.

    Attributes:
        truths: What the nodules of the scans were made from, in words, each once.
        regions: Kinds of region of interest, each once.
        split_sha256: Of series, patient and split of every scan.
        data_sha256: Of the split manifest, which has checksums of every file.
        patients: By split, `patient_hash` of the patients whose scans are used, in order; a pushed
            model says so whom it was trained on without naming them.
    """

    truths: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    split_sha256: str = ""
    data_sha256: str = ""
    patients: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """The facts as JSON, the same for the same facts always."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "DataFacts":
        """Reads what `to_json` wrote; raises ValueError where it is something else."""
        return _data_facts(_object(text))


@dataclass(frozen=True)
class ModelFacts:
    """What the users of an exported model must know.

    Attributes:
        grid: The working grid: spacing in mm, context in slices, margin in mm.
        window_hu: Lower and upper bound of the HU that the model sees.
        probability_threshold: A voxel is predicted when its probability is at least this.
        nodule_threshold: A nodule's most probable voxel has at least this probability.
        stride: Pixels that rows and columns are padded to a multiple of, inside the model.
        data: What it was trained on.
        code_hash: Hash of the code that trained it.
        versions: Versions of the libraries that made it, by name.
    """

    grid: Grid
    window_hu: tuple[int, int]
    probability_threshold: float
    stride: int
    data: DataFacts = DataFacts()
    code_hash: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    nodule_threshold: float = Thresholds.nodule

    @property
    def thresholds(self) -> Thresholds:
        """From where on voxels and nodules count."""
        return Thresholds(self.probability_threshold, self.nodule_threshold)

    def to_json(self) -> str:
        """The facts as JSON, the same for the same facts always."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelFacts":
        """Reads what `to_json` wrote; raises ValueError where it is something else."""
        content = _object(text)
        try:
            grid = Grid(**content.pop("grid"))
            low, high = content.pop("window_hu")
            data = _data_facts(content.pop("data"))
            return cls(grid=grid, window_hu=(low, high), data=data, **content)
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected the facts of a model, got {text[:80]!r}") from error


def facts_of(records: Iterable[ScanRecord]) -> DataFacts:
    """What is known of scans by their records.

    Args:
        records: Of the scans found; those that can't be used are passed over.

    Returns:
        Truths, regions, and patients by split; no checksums.
    """
    used = [record for record in records if record.used]
    patients: dict[str, set[str]] = {}
    for record in used:
        patients.setdefault(record.split, set()).add(patient_hash(record.patient_id))
    return DataFacts(
        truths=tuple(sorted({record.truth for record in used if record.truth})),
        regions=tuple(sorted({record.region for record in used if record.region})),
        patients={split: tuple(sorted(found)) for split, found in sorted(patients.items())},
    )


def patient_hash(patient_id: str) -> str:
    """A short hash of a patient's id: 16 digits, so that two of a million patients differ."""
    return hashlib.sha256(patient_id.encode()).hexdigest()[:_HASH_DIGITS]


def _object(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object of facts, got {text[:80]!r}")
    return content


def _data_facts(content: Mapping[str, Any]) -> DataFacts:
    try:
        lists = {name: tuple(content[name]) for name in ("truths", "regions")}
        patients = {split: tuple(found) for split, found in content["patients"].items()}
        return DataFacts(**{**content, **lists, "patients": patients})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"expected the facts of a data set, got {content!r:.80}") from error
