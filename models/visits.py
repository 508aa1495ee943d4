"""Which slices training draws in an epoch, and in which batch each crop of them comes.

A visit opens one scan, reads a short run of neighbouring slices, and draws several crops from it.
All is a pure function of the seed, the number of the epoch and, where false positives are looked
for, of what earlier epochs found, so that a resumed run repeats an interrupted epoch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.draws import Ints, Pool, VisitKind, codes_of, mining_pool, pool_of, with_hard
from models.holdout import Holdout, is_held_out
from models.mined import MinedSlice
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
        pixels: Of a HARD visit, the pixels that crops are centred near, by their numbers in C
            order.
    """

    kind: VisitKind
    run: Sequence[IndexRow]
    centres: tuple[int, ...]
    pixels: tuple[int, ...] = ()


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
        self._roots = codes_of([row.source for row in index])

    @cached_property
    def mining_pool(self) -> Pool:
        """The slices in which false positives are looked for, with their parts of all visits.

        Raises:
            ValueError: No slice without nodule is trained on.
        """
        return mining_pool(self._pool, self._kinds, self._roots)

    def epoch(self, number: int, mined: Sequence[MinedSlice] = ()) -> list[Visit]:
        """The visits of an epoch in their order; those of one scan are spread evenly over it.

        Args:
            number: The epoch, from 0.
            mined: Slices with false positives. A share `hard_negatives` of the visits to slices
                without nodules goes to these instead, within each data root that has any.
        """
        places = self._pool.draw(visits_per_epoch(self._training), number)
        pixels = {self._numbers[one.series_uid, one.z]: one.pixels for one in mined}
        places, hard = self._with_hard(places, np.array(list(pixels), np.int64), number)
        random = np.random.default_rng([self._training.seed, _ORDER, number])
        order = spread(self._scans[places], random)
        near = [pixels[place] if wrong else () for place, wrong in zip(places, hard, strict=True)]
        return self._visits(places[order], [near[place] for place in order])

    def _with_hard(self, places: Ints, mined: Ints, number: int) -> tuple[Ints, Any]:
        """Puts slices with false positives in place of some without nodule, see `with_hard`."""
        others = self._kinds[places] == VisitKind.OTHER.value
        groups = np.where(others, self._roots[places], -1)
        share = self._training.hard_negatives
        return with_hard(places, groups, (mined, self._roots[mined]), share, number)

    @cached_property
    def _numbers(self) -> dict[tuple[str, int], int]:
        """Number of each slice by series and z."""
        return {(row.series_uid, row.index): number for number, row in enumerate(self._rows)}

    def _visits(self, drawn: Ints, pixels: Sequence[tuple[int, ...]]) -> list[Visit]:
        """Visits to the slices drawn, with the neighbours that they need.

        Args:
            drawn: Numbers of the slices.
            pixels: Where each was wrong, if it is drawn for that.
        """
        first, stop = self._bounds()
        group = list(zip(self._scans.tolist(), self._kinds.tolist(), strict=True))
        visits = []
        for place, near in zip(drawn.tolist(), pixels, strict=True):
            centres = [place]
            for neighbour in () if near else (place - 1, place + 1):
                if 0 <= neighbour < len(group) and group[neighbour] == group[place]:
                    centres.append(neighbour)
            scan, kind = group[place]
            low = max(min(centres) - self._context, first[scan])
            high = min(max(centres) + self._context + 1, stop[scan])
            inside = tuple(centre - low for centre in centres)
            of_kind = VisitKind.HARD if near else VisitKind(kind)
            visits.append(Visit(of_kind, self._rows[low:high], inside, near))
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
