"""Patients held out of training for early stopping, which never reads the eval split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from models.records import SliceReference


@dataclass(frozen=True)
class Holdout:
    """Slices that training never sees, on which early stopping measures.

    Either whole patients are held out, or, where the split has one patient only, single slices.
    """

    patients: tuple[str, ...]  # held out as a whole
    nodule_keys: tuple[str, ...]  # slices with nodules to predict after each epoch
    other_keys: tuple[str, ...]  # slices without
    other_weight: float  # slices without nodule that each of `other_keys` stands for

    @property
    def keys(self) -> tuple[str, ...]:
        """All slices to predict, those with nodules first."""
        return self.nodule_keys + self.other_keys


def choose_holdout(index: Sequence[SliceReference], fraction: float, most: int) -> Holdout:
    """Chooses the patients for early stopping, and which of their slices to predict.

    Patients are taken in the order of a hash of their id, so that added patients don't change the
    choice, until they are `fraction` of all and one has a nodule. With one patient alone, every
    n-th of its slices is taken instead; their Dice is too high, as their neighbours are trained on.

    Args:
        index: Slices of the train split.
        fraction: Share of the patients.
        most: Slices to predict at most; nodule slices come first, but a third is for others.

    Raises:
        ValueError: No slice of the split cuts a nodule.
    """
    if not any(item.nodule for item in index):
        raise ValueError(f"expected a nodule in the train split, got none in {len(index)} slices")
    patients = _monitor_patients(index, fraction)
    if patients:
        pool = [item for item in index if item.patient in patients]
        return _choose_slices(pool, patients, most)
    step = max(2, round(1 / fraction))
    nodules = [item for item in index if item.nodule][::step]
    others = [item for item in index if not item.nodule][::step]
    return _choose_slices(nodules + others, (), most)


def is_held_out(item: SliceReference, holdout: Holdout) -> bool:
    """Whether training must not see this slice."""
    return item.patient in holdout.patients or item.key in holdout.keys


def _monitor_patients(index: Sequence[SliceReference], fraction: float) -> tuple[str, ...]:
    """Patients to hold out; none where no nodule would be left for training."""
    with_nodules = {item.patient for item in index if item.nodule}
    ordered = sorted({item.patient for item in index}, key=_hash)
    chosen = set(ordered[: max(1, round(fraction * len(ordered)))])
    if not chosen & with_nodules:
        chosen.add(next(patient for patient in ordered if patient in with_nodules))
    while chosen >= with_nodules:
        chosen.remove(max(chosen & with_nodules, key=_hash))
        if not chosen & with_nodules:
            return ()
    return tuple(sorted(chosen))


def _choose_slices(pool: Sequence[SliceReference], patients: tuple[str, ...], most: int) -> Holdout:
    nodules = [item.key for item in pool if item.nodule]
    others = [item.key for item in pool if not item.nodule]
    room = max(most - len(nodules), most // 3, 1)
    kept = _evenly(others, room)
    return Holdout(
        patients=patients,
        nodule_keys=_evenly(nodules, max(most - len(kept), 1)),
        other_keys=kept,
        other_weight=len(others) / len(kept) if kept else 0.0,
    )


def _evenly(keys: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many of the keys, spread evenly over the sequence."""
    if len(keys) <= most:
        return tuple(keys)
    return tuple(keys[int(number * len(keys) / most)] for number in range(most))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
