"""Overlap of a predicted and a true mask, and ratios of counts, in numpy.

Whoever reports a Dice names its protocol beside it: `lungct.sums` has the formulas. An empty truth
with an empty prediction says nothing about a model: its Dice is NaN and left out of means, never 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """Voxels of two masks.

    Attributes:
        common: Voxels that are predicted and true.
        predicted: Voxels predicted.
        truth: Voxels true.
    """

    common: int
    predicted: int
    truth: int

    def __post_init__(self) -> None:
        """Refuses counts that contradict each other."""
        if not 0 <= self.common <= min(self.predicted, self.truth):
            raise ValueError(
                "expected 0 <= common voxels <= those predicted and those true, "
                f"got {self.common}, {self.predicted} and {self.truth}"
            )

    @property
    def dice(self) -> float:
        """2 |P and T| / (|P| + |T|); NaN when nothing is true or predicted."""
        total = self.predicted + self.truth
        return 2 * self.common / total if total else float("nan")


def overlap_of(prediction: Mask, truth: Mask) -> Overlap:
    """The overlap of two masks.

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
    common = int(np.count_nonzero(prediction & truth)) if true_voxels and predicted else 0
    return Overlap(common, predicted, true_voxels)


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
    return overlap_of(prediction, truth).dice


def ratio(numerator: Any, denominator: Any) -> npt.NDArray[np.float64]:
    """A quotient of numbers or arrays.

    Args:
        numerator: A number or an array.
        denominator: A number or an array, of a shape that goes with the numerator's.

    Returns:
        float64 of their common shape; NaN where the denominator is 0.
    """
    above, below = np.broadcast_arrays(
        np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    )
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
