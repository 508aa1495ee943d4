"""Cross-validation by patient on crops of real nodules, by the pipeline's own components."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.learning_runs import Ran, Tell, epochs_within, learn, with_training
from benchmarks.nodule_crops import Crop, fold_of, nodules_in_the_middle, write_splits
from benchmarks.nodule_figures import Weighted, of_group, weighted
from pipeline.config import Config
from schema import features
from schema.splits import SplitRule

SPLITS: Final = (features.SPLIT_TRAIN, features.SPLIT_EVAL)


@dataclass(frozen=True)
class Fold:
    """One fold that was learned and judged.

    Attributes:
        number: From 0.
        seed: Of training.
        epochs: As configured.
        minutes: Of training, wall clock.
        patients: By split, as the manifest has them.
        monitored: Patients of the train split that early stopping looked at.
        train: Rows of the patients that were trained on.
        held_out: Rows of the others.
    """

    number: int
    seed: int
    epochs: int
    minutes: float
    patients: Mapping[str, frozenset[str]]
    monitored: frozenset[str]
    train: tuple[Weighted, ...]
    held_out: tuple[Weighted, ...]

    def words(self) -> str:
        """What was trained on, for people."""
        train, held_out = (len(self.patients[split]) for split in SPLITS)
        return (
            f"fold {self.number}, seed {self.seed}: {self.epochs} epochs in {self.minutes:.1f} "
            f"minutes; manifest: {train} patients in train ({len(self.monitored)} of them for "
            f"early stopping), {held_out} held out, none in both"
        )


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        folds: From 0.
        seeds: Of training; none for that of the configuration.
        minutes: Of training; 0 for the epochs of the configuration.
    """

    folds: tuple[int, ...]
    seeds: tuple[int, ...] = ()
    minutes: float = 0.0


def cross_validated(
    config: Config, crops: Mapping[str, Crop], wanted: Wanted, tell: Tell
) -> Iterator[Fold]:
    """Learns fold by fold, seed by seed.

    Args:
        config: The configuration, with the crops as its data.
        crops: All crops.
        wanted: What is asked for.
        tell: Called with what begins.

    Yields:
        What each left.

    Raises:
        ValueError: A held-out patient was trained on.
    """
    folds = fold_of(crop.patient for crop in crops.values())
    tables = Path(config.output) / "splits"
    epochs = 0
    for number in wanted.folds:
        splits = {patient: SPLITS[fold == number] for patient, fold in folds.items()}
        table = write_splits(tables / f"fold-{number}.csv", splits)
        rule = SplitRule(table=str(table.absolute()))
        of_fold = config.model_copy(update={"split": rule})
        if wanted.minutes and not epochs:
            tell(f"two epochs, to know how many take {wanted.minutes:g} minutes")
            epochs = epochs_within(wanted.minutes, of_fold, lambda name: tell(f"  {name}"))
        for seed in wanted.seeds or [config.training.seed]:
            values = {"seed": seed, **({"epochs": epochs} if epochs else {})}
            seeded = with_training(of_fold, **values)
            tell(f"fold {number}, seed {seed}: {seeded.training.epochs} epochs")
            ran = learn(seeded, lambda name: tell(f"  {name}"))
            held_out = {patient for patient, fold in folds.items() if fold == number}
            yield learned_fold(number, seeded, ran, frozenset(held_out))


def learned_fold(number: int, config: Config, ran: Ran, held_out: frozenset[str]) -> Fold:
    """What a fold left, its patients looked at.

    Args:
        number: From 0.
        config: With the seed and the epochs.
        ran: What the pipeline left.
        held_out: Patients that training must not have seen.

    Raises:
        ValueError: The manifest has a patient that it must not have in that split.
    """
    patients = manifest_patients(ran.manifest, held_out)
    history = ran.history()
    monitored = frozenset(history.monitor_patients)
    rows = weighted(nodules_in_the_middle(ran.rows()))
    trained = patients[features.SPLIT_TRAIN] - monitored
    return Fold(
        number=number,
        seed=config.training.seed,
        epochs=config.training.epochs,
        minutes=history.seconds / 60,
        patients=patients,
        monitored=monitored,
        train=of_group(rows, lambda row: row.place.patient_id in trained),
        held_out=of_group(rows, lambda row: row.place.patient_id in held_out),
    )


def manifest_patients(path: Path, held_out: frozenset[str]) -> dict[str, frozenset[str]]:
    """The patients of each split, as the manifest has them.

    Args:
        path: The manifest.
        held_out: Patients that training must not have seen.

    Raises:
        ValueError: A held-out patient is in the train split, or another one in the eval split.
    """
    found: dict[str, set[str]] = {split: set() for split in SPLITS}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["split"]].add(row["patient_id"])
    wrong = found[features.SPLIT_TRAIN] & held_out | found[features.SPLIT_EVAL] - held_out
    if wrong:
        raise ValueError(
            f"expected the {len(held_out)} held-out patients in the eval split and no other, got "
            f"{len(wrong)} in the wrong split, such as {min(wrong)}, in {path}"
        )
    return {split: frozenset(names) for split, names in found.items()}
