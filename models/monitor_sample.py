"""Pooled Dice of all slices, estimated from some of them, and how far two estimates differ.

Slices with nodules are few and hold all the truth; the many others hold false voxels alone. Each of
the two strata is sampled by itself, at random and without replacement.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_Counts = npt.NDArray[np.int64]
# One patient in the two sums of pooled Dice: twice the common voxels; predicted and true ones.
Totals = tuple[float, float]
_LEAST = 2  # slices of a stratum, below which they tell nothing about its variance


@dataclass(frozen=True)
class Stratum:
    """The sampled slices of one stratum, as voxel counts.

    Attributes:
        size: How many slices the stratum has, sampled or not.
        intersection: Voxels predicted and true, int64 (sampled slices,).
        predicted: Voxels predicted, of the same shape.
        truth: Voxels true, of the same shape.
        patients: The patient of each sampled slice.
    """

    size: int
    intersection: _Counts
    predicted: _Counts
    truth: _Counts
    patients: Sequence[str]

    @property
    def weight(self) -> float:
        """How many slices each sampled one stands for."""
        return self.size / len(self.truth) if self.size else 0.0

    def variance_of_total(self, values: npt.NDArray[np.float64]) -> float:
        """Variance of the estimated total of a figure of all slices.

        Args:
            values: The figure of each sampled slice.

        Returns:
            N² (1 - n/N) s²/n: Cochran, Sampling Techniques, 3rd edition 1977, theorem 2.2.
        """
        sampled = len(values)
        if sampled == self.size:
            return 0.0
        left_out = 1 - sampled / self.size
        return float(self.size**2 * left_out * np.var(values, ddof=1) / sampled)


def pooled_dice_estimate(strata: Sequence[Stratum]) -> tuple[float, float]:
    """Estimates pooled Dice of all slices.

    The totals of intersection, predicted and truth are unbiased: each slice counts as often as it
    stands for others. The variance of their ratio is that of its linear part (Cochran, Sampling
    Techniques, 3rd edition 1977, sections 6.3 and 6.11), summed over the strata.

    Args:
        strata: All strata; each with at least 2 sampled slices, or with all that it has.

    Returns:
        Dice and its standard error; both 0 when nothing is predicted nor true.

    Raises:
        ValueError: A stratum has fewer sampled slices.
    """
    for one in strata:
        if len(one.truth) < min(_LEAST, one.size):
            raise ValueError(f"expected 2 slices of a stratum of {one.size}, got {len(one.truth)}")
    intersection = sum(one.weight * float(one.intersection.sum()) for one in strata)
    total = sum(one.weight * float((one.predicted + one.truth).sum()) for one in strata)
    if not total:
        return 0.0, 0.0
    dice = 2 * intersection / total
    variance = sum(
        one.variance_of_total(2.0 * one.intersection - dice * (one.predicted + one.truth))
        for one in strata
    )
    return dice, math.sqrt(variance) / total


def totals_by_patient(strata: Sequence[Stratum]) -> dict[str, Totals]:
    """What each patient has in the sums of the estimate; each slice counts for those it stands for.

    Args:
        strata: All strata.

    Returns:
        By patient, in order; pooled Dice is the ratio of both sums over all patients.
    """
    sums: dict[str, Totals] = {}
    for one in strata:
        both = one.predicted + one.truth
        for patient, common, total in zip(one.patients, one.intersection, both, strict=True):
            before = sums.get(patient, (0.0, 0.0))
            sums[patient] = (
                before[0] + 2 * one.weight * float(common),
                before[1] + one.weight * float(total),
            )
    return dict(sorted(sums.items()))


def difference_error(one: Mapping[str, Totals], other: Mapping[str, Totals]) -> float:
    """Standard error of the difference of two pooled Dice on the same patients.

    By the jackknife (Efron and Stein, Annals of Statistics 9, 1981): with d(i) the difference
    without patient i, of n patients, it is sqrt((n - 1)/n Σ (d(i) - mean d)²). What two epochs
    find equally hard cancels out, which the error of either alone does not know.

    Args:
        one: Totals by patient.
        other: Those of the other estimate; a patient that is not there counts 0.

    Returns:
        The error; 0 with fewer than 2 patients, which tell nothing about it.
    """
    patients = sorted({*one, *other})
    if len(patients) < _LEAST:
        return 0.0
    sums = np.array(
        [[all_of.get(name, (0.0, 0.0)) for name in patients] for all_of in (one, other)]
    )
    common, total = np.moveaxis(sums.sum(axis=1, keepdims=True) - sums, -1, 0)
    dice = np.divide(common, total, out=np.zeros_like(common), where=total > 0)
    without = dice[0] - dice[1]
    spread = np.sum((without - without.mean()) ** 2)
    return math.sqrt((len(patients) - 1) / len(patients) * float(spread))


def allocate(nodules: int, others: int, wanted: int) -> tuple[int, int]:
    """How many slices of each stratum are sampled.

    Args:
        nodules: Slices with nodules.
        others: Slices without.
        wanted: Slices of both together; some more where they would be too few for an error.

    Returns:
        Of those with nodules all, up to two thirds of the slices wanted; of the others the rest,
        at least a third. What one stratum lacks the other makes up for.
    """
    without = max(wanted - min(nodules, 2 * wanted // 3), _LEAST)
    without = min(without, others)
    return min(max(wanted - without, _LEAST), nodules), without


def draw(items: Sequence[Any], count: int, seed: int) -> list[Any]:
    """Draws items at random without replacement; more of them hold the fewer of the same seed.

    Args:
        items: The stratum.
        count: How many, at most all.
        seed: Of the permutation that the first are taken of.
    """
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[place] for place in order[:count]]


def grown(wanted: int, error: float, largest_error: float, available: int) -> int:
    """How many slices the next epoch measures: twice as many where the error was too large."""
    return min(2 * wanted, available) if error > largest_error else wanted
