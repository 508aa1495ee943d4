"""Trainings on phantoms, on crops of real nodules, and on both, with the same patients held out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.learning_runs import Tell, epochs_within, learn, with_training
from benchmarks.nodule_crops import write_splits
from lungct.limits import VOLUME
from lungct.readers.names import PATIENTS_TABLE
from lungct.readers.tables import read_patients
from lungct.roots import MASKS, DataRoot
from phantom.order import SOURCE
from phantom.writer import make_phantoms
from pipeline.config import Config
from schema import features
from schema.splits import SplitRule, patient_split

# Kinds of training: whether they see phantoms, and crops.
PHANTOM_ONLY, CROPS_ONLY, MIXED = "phantom-only", "crops-only", "mixed"
SEEN: Final[Mapping[str, tuple[bool, bool]]] = {
    PHANTOM_ONLY: (True, False),
    CROPS_ONLY: (False, True),
    MIXED: (True, True),
}


@dataclass(frozen=True)
class HeldOutCrops:
    """Crops of real nodules, and whose are held out.

    Attributes:
        root: Their folder.
        patients: All patients of theirs.
        held_out: Those that training must not see.
    """

    root: Path
    patients: frozenset[str]
    held_out: frozenset[str]

    def splits(self) -> dict[str, str]:
        """The split of each patient."""
        names = {True: features.SPLIT_EVAL, False: features.SPLIT_TRAIN}
        return {patient: names[patient in self.held_out] for patient in self.patients}


def trained(name: str, config: Config, minutes: float, tell: Tell) -> str:
    """Trains a model.

    Args:
        name: Of the training.
        config: By `training_config`.
        minutes: So long; 0 for the epochs of the configuration.
        tell: Called with what begins.

    Returns:
        Its folder.
    """
    if minutes:
        tell(f"{name}: two epochs, to know how many take {minutes:g} minutes")
        epochs = epochs_within(minutes, config, lambda node: tell(f"  {node}"))
        config = with_training(config, epochs=epochs)
    tell(f"{name}: {config.training.epochs} epochs")
    return learn(config, lambda node: tell(f"  {node}")).model


def training_config(name: str, config: Config, crops: HeldOutCrops, folder: Path) -> Config:
    """A configuration with the data of a training, and its split.

    Args:
        name: One of SEEN.
        config: The configuration; what it says of data roots and of splits is replaced.
        crops: The crops, and whose are held out.
        folder: Of the outputs of all trainings, which share the phantoms.
    """
    output = folder.absolute() / name
    output.mkdir(parents=True, exist_ok=True)
    with_phantoms, with_crops = SEEN[name]
    roots: list[DataRoot] = []
    splits: dict[str, str] = {}
    if with_phantoms:
        place = folder.absolute() / config.data.phantom.folder
        make_phantoms(str(place), config.data.phantom)
        roots.append(DataRoot(str(place), name=SOURCE))
        splits |= phantom_splits(place, config.split)
    if with_crops:
        roots.append(DataRoot(str(crops.root.absolute()), region=VOLUME, truth=MASKS))
        splits |= crops.splits()
    table = write_splits(output / "splits.csv", splits)
    values = {
        "data": replace(config.data, roots=tuple(roots)),
        "split": SplitRule(table=str(table)),
        "output": str(output),
    }
    return config.model_copy(update=values)


def phantom_splits(root: Path, rule: SplitRule) -> dict[str, str]:
    """The split of each patient of a phantom, by the fractions of a rule."""
    patients = read_patients(str(root / PATIENTS_TABLE)).values()
    return {
        patient: patient_split(patient, rule.eval_fraction, 0.0, rule.salt) for patient in patients
    }
