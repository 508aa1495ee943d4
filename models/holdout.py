"""Patients held out of training for early stopping, which never reads the eval split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lungct.words import counted
from models.split import cuts_nodule
from schema.slices import IndexRow


@dataclass(frozen=True)
class Holdout:
    """What training never sees, on which early stopping measures.

    Either whole patients are held out, or, where one patient alone has nodules, single slices.

    Attributes:
        patients: Held out as a whole.
        slices: Series and z of single slices; empty where there are patients.
    """

    patients: tuple[str, ...] = ()
    slices: frozenset[tuple[str, int]] = frozenset()


def choose_holdout(index: Sequence[IndexRow], fraction: float) -> Holdout:
    """Chooses the patients for early stopping.

    Patients are taken in the order of a hash of their id, so that added patients don't change the
    choice, until they are `fraction` of all and one has a nodule. With one patient alone, every
    n-th of its slices is taken instead; their Dice is too high, as their neighbours are trained on.

    Args:
        index: Slices of the train split.
        fraction: Share of the patients.

    Raises:
        ValueError: No slice of the split cuts a nodule.
    """
    if not any(cuts_nodule(row) for row in index):
        raise ValueError(
            f"expected a nodule in the train split, got none in {counted(len(index), 'slice')}"
        )
    patients = _monitor_patients(index, fraction)
    if patients:
        return Holdout(patients)
    step = max(2, round(1 / fraction))
    nodules = [row for row in index if cuts_nodule(row)][::step]
    others = [row for row in index if not cuts_nodule(row)][::step]
    return Holdout((), frozenset((row.series_uid, row.index) for row in nodules + others))


def is_held_out(row: IndexRow, holdout: Holdout) -> bool:
    """Whether training must not see this slice."""
    return row.patient_id in holdout.patients or (row.series_uid, row.index) in holdout.slices


def _monitor_patients(index: Sequence[IndexRow], fraction: float) -> tuple[str, ...]:
    """Patients to hold out; none where no nodule would be left for training."""
    with_nodules = {row.patient_id for row in index if cuts_nodule(row)}
    ordered = sorted({row.patient_id for row in index}, key=_hash)
    chosen = set(ordered[: max(1, round(fraction * len(ordered)))])
    if not chosen & with_nodules:
        chosen.add(next(patient for patient in ordered if patient in with_nodules))
    while chosen >= with_nodules:
        chosen.remove(max(chosen & with_nodules, key=_hash))
        if not chosen & with_nodules:
            return ()
    return tuple(sorted(chosen))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
