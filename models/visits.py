"""Which slices an epoch reads, and in which order its crops come: planned from the index alone.

A visit opens one scan, reads one run of neighbouring slices and draws several crops from it. All
follows from the seed and the number of the epoch, so that an interrupted epoch can be repeated.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.split import has_nodule
from schema import features
from schema.hyperparameters import Balance, Training
from schema.slices import IndexRow

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# A visit draws from the slice that was drawn and from its neighbours, at most so many in all.
_CENTRES = 3


class Kind(enum.Enum):
    """What the crops of a visit lie around; the number seeds its draws."""

    NODULE = 1
    REGION = 2


@dataclass(frozen=True)
class Visit:
    """One scan opened once.

    Attributes:
        kind: What its crops lie around.
        run: The slices to read, each the next of the one before.
        centres: Positions in `run` of the slices that the crops are cut from.
    """

    kind: Kind
    run: tuple[IndexRow, ...]
    centres: tuple[int, ...]


@dataclass(frozen=True)
class _Pool:
    """The slices of one kind: their places in the index, and how often each is to be drawn."""

    kind: Kind
    places: IntArray
    weights: FloatArray


class VisitPlan:
    """The visits of every epoch, as balanced as the configuration asks for."""

    def __init__(self, rows: Sequence[IndexRow], training: Training, context: int) -> None:
        """Groups the slices.

        Args:
            rows: Slices to train on, ordered by series and z.
            training: How crops are drawn.
            context: Neighbouring slices on each side that a crop needs.

        Raises:
            ValueError: No slice cuts a nodule.
        """
        nodule = np.array([has_nodule(row) for row in rows], dtype=np.bool_)
        if not nodule.any():
            raise ValueError(f"expected nodules to train on, got none in {len(rows)} slices")
        region = ~nodule & np.array([row.region_voxels > 0 for row in rows], dtype=np.bool_)
        self._rows = rows
        self._training = training
        self._context = context
        self._nodule = nodule
        self._scan = _numbered([row.series_uid for row in rows])
        z = np.array([row.index for row in rows])
        # Whether a slice is the next of the one before, within one scan.
        self._follows = np.zeros(len(rows) + 1, dtype=np.bool_)
        self._follows[1:-1] = (np.diff(self._scan) == 0) & (np.diff(z) == 1)
        self._pools = [self._pool(Kind.NODULE, nodule), self._pool(Kind.REGION, region)]

    def epoch(self, number: int, visits: int) -> list[Visit]:
        """The visits of an epoch in their order.

        Args:
            number: The epoch, from 0.
            visits: How many.

        Returns:
            A share of `nodule_fraction` near nodules. The visits of each scan are spread evenly,
            so that neighbouring visits are of different scans.
        """
        random = np.random.default_rng((self._training.seed, number))
        drawn = [
            (pool.kind, int(place))
            for pool, count in zip(self._pools, self._shares(visits), strict=True)
            for place in _systematic(pool, count, random)
        ]
        order = _spread(self._scan[[place for _, place in drawn]], random)
        return [self._visit(*drawn[position], random) for position in order]

    def _shares(self, visits: int) -> tuple[int, int]:
        """Visits near nodules and others."""
        if not len(self._pools[1].places):
            return visits, 0
        nodules = round(visits * self._training.nodule_fraction)
        return nodules, visits - nodules

    def _pool(self, kind: Kind, chosen: npt.NDArray[np.bool_]) -> _Pool:
        places = np.flatnonzero(chosen)
        rows = [self._rows[place] for place in places]
        return _Pool(kind, places, slice_weights(rows, self._training.balance))

    def _visit(self, kind: Kind, place: int, random: np.random.Generator) -> Visit:
        """A run around a slice, and the slices in it that crops are cut from."""
        low, high = self._centres(place)
        first = self._reach(low, -1, self._context)
        last = self._reach(high, 1, self._context)
        centres = random.integers(low - first, high - first + 1, self._training.crops_per_visit)
        centres[random.integers(len(centres))] = place - first
        return Visit(kind, tuple(self._rows[first : last + 1]), tuple(map(int, centres)))

    def _centres(self, place: int) -> tuple[int, int]:
        """First and last of the slices of one kind around a place that crops are cut from."""
        low = high = place
        for step in (1, -1, 1, -1):
            if high - low + 1 < _CENTRES:
                other = self._reach(high if step > 0 else low, step, 1)
                if self._alike(place, other):
                    low, high = min(low, other), max(high, other)
        return low, high

    def _alike(self, place: int, other: int) -> bool:
        same = self._nodule[place] == self._nodule[other]
        return bool(same and (self._nodule[other] or self._rows[other].region_voxels > 0))

    def _reach(self, place: int, step: int, most: int) -> int:
        """The place at most so many slices further within one scan."""
        for _ in range(most):
            if not self._follows[place + max(step, 0)]:
                break
            place += step
        return place


def crops_in_order(batch: int, batch_size: int, crops_per_visit: int) -> tuple[IntArray, IntArray]:
    """Which crops make up a batch.

    Each place in a batch is a lane, which works through every `batch_size`-th visit and gives one
    crop of it to each batch: a batch has crops of as many visits. Lanes begin at different crops
    of their first visit, so that from batch to batch only a part of the visits changes.

    Args:
        batch: Number of the batch in its epoch, from 0.
        batch_size: Crops in a batch.
        crops_per_visit: Crops that a visit draws.

    Returns:
        For each place in the batch, the number of the visit in its epoch and that of the crop in
        its visit.
    """
    lanes = np.arange(batch_size)
    position = batch + lanes % crops_per_visit
    return position // crops_per_visit * batch_size + lanes, position % crops_per_visit


def visits_needed(batches: int, batch_size: int, crops_per_visit: int) -> int:
    """Visits that an epoch of so many batches takes."""
    last, _ = crops_in_order(batches - 1, batch_size, crops_per_visit)
    return int(last.max()) + 1


def slice_weights(rows: Sequence[IndexRow], balance: Balance) -> FloatArray:
    """How often each slice is to be drawn.

    A group is drawn in proportion to a power of its slices: first the data root, then the size
    bucket of the smallest nodule, then the patient; in a patient's group each slice alike.

    Args:
        rows: Slices.
        balance: The powers.

    Returns:
        float64 weights with a sum of 1; empty without slices.
    """
    weights = np.ones(len(rows))
    sizes = [_smallest(row) for row in rows]
    levels = (
        ([row.source for row in rows], balance.sources),
        (sizes, balance.sizes),
        ([row.patient_id for row in rows], balance.patients),
    )
    above = np.zeros(len(rows), dtype=np.int64)
    for names, power in levels:
        groups = _numbered(list(zip(above.tolist(), names, strict=True)))
        counts = np.bincount(groups)
        parents = np.zeros(len(counts), dtype=np.int64)
        parents[groups] = above
        shares = counts**power
        weights *= (shares / np.bincount(parents, shares)[parents])[groups]
        above = groups
    return weights / np.bincount(above)[above] if len(rows) else weights


def _smallest(row: IndexRow) -> int:
    """Place of the smallest size bucket that a slice cuts."""
    order = (*features.BUCKETS, features.BUCKET_NONE)
    return min(order.index(bucket) for bucket in row.buckets)


def _systematic(pool: _Pool, count: int, random: np.random.Generator) -> IntArray:
    """Draws places so that each comes as often as its weight says, rounded up or down."""
    if not count:
        return np.zeros(0, dtype=np.int64)
    shuffled = random.permutation(len(pool.places))
    steps = np.cumsum(pool.weights[shuffled])
    drawn = np.searchsorted(steps / steps[-1], (np.arange(count) + random.random()) / count)
    return pool.places[shuffled[np.minimum(drawn, len(shuffled) - 1)]]


def _spread(scans: IntArray, random: np.random.Generator) -> IntArray:
    """An order in which the visits of each scan are spread evenly, each beginning by chance."""
    shuffled = random.permutation(len(scans))
    of_scan = scans[shuffled]
    counts = np.bincount(of_scan)
    rank = np.zeros(len(scans))
    order = np.argsort(of_scan, kind="stable")
    starts = np.cumsum(counts) - counts
    rank[order] = np.arange(len(scans)) - starts[of_scan[order]]
    phase = random.random(len(counts))
    return shuffled[np.argsort((rank + phase[of_scan]) / counts[of_scan], kind="stable")]


def _numbered(names: Sequence[object]) -> IntArray:
    """A number for each name, from 0 in the order of first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
