"""Overlap of a predicted and a true mask: the formulas, in numpy.

A property of `OverlapSums` is a metric once `schema.metrics` lists it.

Whoever reports a Dice names its protocol beside it. *Pooled* Dice adds the voxels of all slices
before it divides; *mean slice* Dice averages over the slices that hold truth. The two differ by
0.2 on the same model, since large nodules dominate pooled Dice. An empty truth with an empty
prediction says nothing about a model: its Dice is NaN and left out of means, never 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class OverlapSums:
    """Sums over slices from which every overlap figure follows; they add up by `+`."""

    intersection: float = 0.0  # voxels that are predicted and true
    predicted: float = 0.0  # voxels predicted
    truth: float = 0.0  # voxels true
    slice_dice: float = 0.0  # Dice added up over the slices that hold truth
    nodule_slices: float = 0.0  # slices that hold truth

    def __add__(self, other: "OverlapSums") -> "OverlapSums":
        """The overlap of both sets of slices together."""
        return OverlapSums(
            self.intersection + other.intersection,
            self.predicted + other.predicted,
            self.truth + other.truth,
            self.slice_dice + other.slice_dice,
            self.nodule_slices + other.nodule_slices,
        )

    @property
    def pooled_dice(self) -> float:
        """2 |P and T| / (|P| + |T|) over all voxels; NaN when nothing is true or predicted."""
        return _ratio(2 * self.intersection, self.predicted + self.truth)

    @property
    def mean_slice_dice(self) -> float:
        """Mean Dice of the slices that hold truth; NaN when none does."""
        return _ratio(self.slice_dice, self.nodule_slices)

    @property
    def precision(self) -> float:
        """Share of the predicted voxels that are true; NaN when nothing is predicted."""
        return _ratio(self.intersection, self.predicted)

    @property
    def recall(self) -> float:
        """Share of the true voxels that are predicted; NaN when nothing is true."""
        return _ratio(self.intersection, self.truth)


def dice(prediction: Mask, truth: Mask) -> float:
    """Dice of two masks.

    Args:
        prediction: bool array of any shape.
        truth: bool array of the same shape.

    Returns:
        2 |P and T| / (|P| + |T|). If both masks are empty, the result is NaN.

    Raises:
        ValueError: The shapes differ.
    """
    return slice_overlap(prediction, truth).pooled_dice


def slice_overlap(prediction: Mask, truth: Mask) -> OverlapSums:
    """The overlap of one slice (or of any two masks taken as one).

    Args:
        prediction: bool array of any shape.
        truth: bool array of the same shape.

    Raises:
        ValueError: The shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(
            f"expected prediction and truth of one shape, got {prediction.shape} and {truth.shape}"
        )
    true_voxels = int(np.count_nonzero(truth))
    predicted = int(np.count_nonzero(prediction))
    both = int(np.count_nonzero(prediction & truth)) if true_voxels and predicted else 0
    return overlap_of_counts(both, predicted, true_voxels)


def overlap_of_counts(common: int, predicted: int, truth: int) -> OverlapSums:
    """The overlap of one slice of which the voxels were counted.

    Args:
        common: Voxels that are predicted and true.
        predicted: Voxels predicted.
        truth: Voxels true.

    Raises:
        ValueError: More voxels are common than predicted or true, or a count is negative.
    """
    if not 0 <= common <= min(predicted, truth):
        raise ValueError(
            "expected 0 <= common voxels <= those predicted and those true, "
            f"got {common}, {predicted} and {truth}"
        )
    slice_dice = 2 * common / (predicted + truth) if truth else 0.0
    return OverlapSums(common, predicted, truth, slice_dice, float(truth > 0))


def overlap(pairs: Iterable[tuple[Mask, Mask]]) -> OverlapSums:
    """The overlap of slices given as pairs of predicted and true mask."""
    total = OverlapSums()
    for prediction, truth in pairs:
        total = total + slice_overlap(prediction, truth)
    return total


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
