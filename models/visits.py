"""Which slices training draws in an epoch, and in which batch each crop of them comes.

A visit opens one scan, reads a short run of neighbouring slices, and draws several crops from it.
All is a pure function of the seed and the number of the epoch, so that a resumed run repeats an
interrupted epoch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.draws import Ints, VisitKind, codes_of, pool_of
from models.holdout import Holdout, is_held_out
from models.split import cuts_nodule
from schema.hyperparameters import Hyperparameters, Training
from schema.slices import IndexRow

_ORDER = 0  # tells the random numbers of the order from those of crops


@dataclass(frozen=True)
class Visit:
    """One opening of one scan.

    Attributes:
        kind: What its crops are drawn from.
        run: The slices to read: neighbours in one scan, in order of z. They end before the context
            of the centres does only where the scan ends.
        centres: Places in `run` of the slices in which crops are centred, the drawn one first.
    """

    kind: VisitKind
    run: Sequence[IndexRow]
    centres: tuple[int, ...]


class VisitPlan:
    """The visits of each epoch, balanced by source, size of nodule and patient."""

    def __init__(
        self, index: Sequence[IndexRow], holdout: Holdout, settings: Hyperparameters
    ) -> None:
        """Groups the slices once.

        Args:
            index: All slices of the split, ordered by series and z.
            holdout: What is never drawn. Held-out slices may be context of others.
            settings: All hyperparameters.

        Raises:
            ValueError: No slice with a nodule is left for training, or the shares don't fit the
                data roots that have slices to train on.
        """
        self._rows = index
        self._training = settings.training
        self._context = settings.grid.context
        self._scans = codes_of([row.series_uid for row in index])
        kinds = [_kind(row, holdout) for row in index]
        self._kinds = np.array([-1 if kind is None else kind.value for kind in kinds], np.int64)
        self._pool = pool_of(index, self._kinds, settings.training)

    def epoch(self, number: int) -> list[Visit]:
        """The visits of an epoch in their order; those of one scan are spread evenly over it."""
        places = self._pool.draw(visits_per_epoch(self._training), number)
        random = np.random.default_rng([self._training.seed, _ORDER, number])
        return self._visits(places[spread(self._scans[places], random)])

    def _visits(self, drawn: Ints) -> list[Visit]:
        """Visits to the slices drawn, with the neighbours that they need."""
        first, stop = self._bounds()
        group = list(zip(self._scans.tolist(), self._kinds.tolist(), strict=True))
        visits = []
        for place in drawn.tolist():
            centres = [place]
            for neighbour in (place - 1, place + 1):
                if 0 <= neighbour < len(group) and group[neighbour] == group[place]:
                    centres.append(neighbour)
            scan, kind = group[place]
            low = max(min(centres) - self._context, first[scan])
            high = min(max(centres) + self._context + 1, stop[scan])
            inside = tuple(centre - low for centre in centres)
            visits.append(Visit(VisitKind(kind), self._rows[low:high], inside))
        return visits

    def _bounds(self) -> tuple[list[int], list[int]]:
        """First slice of each scan, and the one after its last."""
        first = np.searchsorted(self._scans, np.arange(self._scans[-1] + 1))
        return first.tolist(), [*first[1:].tolist(), len(self._scans)]


def spread(groups: Ints, random: np.random.Generator) -> Ints:
    """An order in which the members of each group lie evenly, the group's first one anywhere.

    Args:
        groups: The group of each item, (N,).
        random: Decides where a group starts, and in which order its members come.

    Returns:
        The items' numbers, (N,).
    """
    shuffled = random.permutation(len(groups))
    _, group, sizes = np.unique(groups[shuffled], return_inverse=True, return_counts=True)
    by_group = np.argsort(group, kind="stable")
    rank = np.empty(len(groups), np.int64)
    rank[by_group] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = (rank + random.random(len(sizes))[group]) / sizes[group]
    return np.asarray(shuffled[np.argsort(place, kind="stable")], np.int64)


def visits_per_epoch(training: Training) -> int:
    """Visits that `lanes` needs."""
    return training.batch_size * math.ceil(training.steps_per_epoch / training.crops_per_visit)


def lanes(training: Training) -> tuple[Ints, Ints]:
    """From which visit of an epoch each crop of each batch comes.

    Each place in the batch is a lane: of B lanes, lane j goes through the visits j, j + B, j + 2B …
    and gives one crop to each batch. So the crops of a batch are of different visits. The first
    lanes begin with the last crop of their first visit, the next ones with the one before, and all
    return to the crops left out at the end of the epoch: with each batch a part of the lanes goes
    on to another visit, and the visits of a batch are always neighbours in the order.

    Returns:
        Numbers of the visit and of the crop in it, each (steps, batch).
    """
    crops, size = training.crops_per_visit, training.batch_size
    lane, step = np.arange(size), np.arange(training.steps_per_epoch)[:, None]
    start = crops - 1 - lane * crops // size
    number = (step + start) % (crops * math.ceil(training.steps_per_epoch / crops))
    return lane + size * (number // crops), number % crops


def _kind(row: IndexRow, holdout: Holdout) -> VisitKind | None:
    """What a slice is drawn for, if at all."""
    if is_held_out(row, holdout):
        return None
    if cuts_nodule(row):
        return VisitKind.NODULE
    return VisitKind.OTHER if row.region_voxels > 0 else None
