"""How often each slice is drawn for training, and which ones an epoch draws."""

import enum
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lungct.words import counted
from models.split import smallest_bucket
from schema.hyperparameters import Training
from schema.shares import complete_shares
from schema.slices import IndexRow

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# By this part of a step the draws of an epoch lie beside those of the one before: multiples of the
# golden ratio fill the step evenly, so that a slice is not missed for many epochs.
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


class VisitKind(enum.Enum):
    """What a visit draws its crops from."""

    NODULE = 0  # slices that cut a nodule
    OTHER = 1  # slices without nodule, within the region of interest
    HARD = 2  # places of false positives, away from nodules


@dataclass(frozen=True)
class Pool:
    """Slices to draw from.

    Attributes:
        slices: Their numbers, (N,), those of a group beside each other.
        until: Sum of the weights up to each, (N,).
    """

    slices: Ints
    until: Floats

    def draw(self, count: int, epoch: int) -> Ints:
        """Systematic draws: a slice, or a group, comes as often as its weight says, within one.

        Over many epochs each comes exactly so often.
        """
        places = (np.arange(count) + (epoch + 1) * _GOLDEN % 1) / count * self.until[-1]
        found = np.searchsorted(self.until, places, side="right")
        return np.asarray(self.slices[np.minimum(found, len(self.slices) - 1)])


def pool_of(index: Sequence[IndexRow], kinds: Ints, training: Training) -> Pool:
    """The slices that an epoch draws from.

    Args:
        index: All slices.
        kinds: Value of the `VisitKind` that each is drawn for; -1 for none.
        training: Balance, shares and the part of the visits that is to nodules.

    Returns:
        Ordered by kind, data root, size and patient, so that each of these groups is drawn evenly.

    Raises:
        ValueError: No slice with a nodule is to be drawn, or the shares don't fit the data roots.
    """
    shares = _shares(index, kinds, training)
    wanted = [kind >= 0 and shares[row.source] > 0 for row, kind in zip(index, kinds, strict=True)]
    places = np.flatnonzero(wanted)
    rows, kinds = [index[place] for place in places], kinds[places]
    if not np.any(kinds == VisitKind.NODULE.value):
        raise ValueError(f"expected nodules to train on, got none in {counted(len(rows), 'slice')}")
    sources, balance = codes_of([row.source for row in rows]), training.balance
    groups = [
        (kinds, 1.0),
        (sources, balance.sources),
        (codes_of([smallest_bucket(row) for row in rows]), balance.sizes),
        (codes_of([row.patient_id for row in rows]), balance.patients),
    ]
    of_root = sources if training.shares else np.zeros_like(sources)
    together = np.array([share for _, share in sorted(shares.items()) if share > 0])
    totals = together if training.shares else np.ones(1)
    parts = parts_by_kind(kinds, of_root, totals, training.nodule_fraction)
    weights = with_totals(slice_weights(groups), kinds * len(totals) + of_root, parts.ravel())
    order = np.lexsort([codes for codes, _ in groups[::-1]])
    order = order[weights[order] > 0]
    return Pool(places[order], np.cumsum(weights[order]))


def mining_pool(pool: Pool, kinds: Ints, roots: Ints) -> Pool:
    """The slices in which false positives are looked for.

    Args:
        pool: What an epoch draws from.
        kinds: Value of the `VisitKind` of each slice.
        roots: Number of the data root of each slice, from 0.

    Returns:
        Of each root all slices of the pool, with nodule or without, each as often: the root has the
        weight of its slices without nodule. So roots that hold nothing but nodules have none.

    Raises:
        ValueError: No slice without nodule is to be drawn.
    """
    weights = np.diff(pool.until, prepend=0.0) * (kinds[pool.slices] == VisitKind.OTHER.value)
    totals = np.bincount(roots[pool.slices], weights).astype(np.float64)
    slices = np.sort(pool.slices[totals[roots[pool.slices]] > 0])
    if not len(slices):
        raise ValueError(
            f"expected slices without nodules for training.hard_negatives, got none in "
            f"{counted(len(pool.slices), 'slice')}"
        )
    alike = with_totals(np.ones(len(slices)), roots[slices], totals)
    return Pool(slices, np.cumsum(alike))


def with_hard(
    drawn: Ints, groups: Ints, mined: tuple[Ints, Ints], share: float, epoch: int
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Puts slices with false positives in place of others, within each data root.

    Args:
        drawn: The slices that an epoch draws, (N,).
        groups: The data root of each that may be replaced, -1 for one that may not, (N,).
        mined: The slices with false positives, and their data roots, each (M,).
        share: Of those that may be replaced, in roots with false positives.
        epoch: Number of the epoch; over many epochs the share holds exactly.

    Returns:
        The slices, (N,), and which of them are drawn for their false positives, bool (N,).
    """
    result, hard = drawn.copy(), np.zeros(len(drawn), bool)
    phase = (epoch + 1) * _GOLDEN % 1
    slices, roots = mined
    for root in np.unique(roots):
        others = np.flatnonzero(groups == root)
        steps = np.floor(np.arange(len(others) + 1) * share + phase)
        chosen = others[np.diff(steps) > 0]
        if len(chosen):
            of_root = slices[roots == root]
            until = np.arange(1.0, len(of_root) + 1)
            result[chosen] = Pool(of_root, until).draw(len(chosen), epoch)
            hard[chosen] = True
    return result, hard


def parts_by_kind(kinds: Ints, roots: Ints, shares: Floats, nodule_fraction: float) -> Floats:
    """Splits the share that each data root has of the visits by their kind.

    Args:
        kinds: Value of the `VisitKind` of each slice, (N,).
        roots: Its root, from 0, (N,).
        shares: Of each root, together 1, (roots,).
        nodule_fraction: Part of a root's visits that is to nodules, where it has slices of both
            kinds; where it has slices of one kind, its visits are of this kind alone.

    Returns:
        Parts of all visits by kind and root, together 1, (kinds, roots).
    """
    count = len(shares)
    near, other = np.bincount(kinds * count + roots, minlength=2 * count).reshape(2, count) > 0
    fraction = np.where(near & other, nodule_fraction, near)
    return np.stack([shares * fraction, shares * (1 - fraction)])


def slice_weights(groups: Sequence[tuple[Ints, float]]) -> Floats:
    """How often each slice is drawn, in parts of all draws.

    Args:
        groups: From the outermost to the innermost, the group of each of N slices, from 0 to below
            N, and the power of its number of slices by which a group is drawn among those of the
            same outer group.

    Returns:
        (N,), together 1; within the innermost group all are the same.
    """
    size = len(groups[0][0])
    weights, outer = np.ones(size), np.zeros(size, np.int64)
    for codes, power in groups:
        inner = np.unique(outer * len(codes) + codes, return_inverse=True)[1]
        powers = np.bincount(inner).astype(np.float64) ** power
        outer_of = np.zeros(len(powers), np.int64)
        outer_of[inner] = outer
        shares = powers / np.bincount(outer_of, weights=powers)[outer_of]
        weights, outer = weights * shares[inner], inner
    return weights / np.bincount(outer)[outer]


def with_totals(weights: Floats, groups: Ints, totals: Floats) -> Floats:
    """Weights in the same proportions within each group, which has the total asked for.

    Args:
        weights: Above 0, (N,).
        groups: The group of each, from 0, (N,).
        totals: Of each group, (groups,).

    Returns:
        (N,).
    """
    sums = np.bincount(groups, weights, len(totals))
    return np.asarray(weights * totals[groups] / sums[groups])


def codes_of(names: Sequence[str]) -> Ints:
    """Equal names have equal numbers, from 0 in the order of names; (N,)."""
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.int64)


def _shares(index: Sequence[IndexRow], kinds: Ints, training: Training) -> dict[str, float]:
    """The share of each data root that has slices to train on; 1 for each where none is asked for.

    Raises:
        ValueError: What is asked for doesn't fit these roots.
    """
    rows = [row for row, kind in zip(index, kinds, strict=True) if kind >= 0]
    slices = Counter(row.source for row in rows)
    if not training.shares:
        return dict.fromkeys({row.source for row in index}, 1.0)
    weights = {name: slices[name] ** training.balance.sources for name in sorted(slices)}
    try:
        return complete_shares(training.shares, weights)
    except ValueError as error:
        raise ValueError(f"training.shares: {error}, in the slices to train on") from error
