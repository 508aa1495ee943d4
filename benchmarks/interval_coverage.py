"""How often 95% intervals by resampling patients hold the true figure, by number of patients.

Usage: python -m benchmarks.interval_coverage [--patients 5 10 20 40 80] [--data-sets 2000]

The data are simulated: patients differ, nodules of one patient resemble each other, sizes are
spread over two orders of magnitude, and larger nodules are found and outlined better.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.machine import processor, whole_number
from lungct.intervals import percentile_interval, replicate_weights

FIGURES = ("pooled Dice", "mean nodule Dice", "lesion sensitivity")
SEED = 1
# A data set of this size gives the true figures: their error is a hundredth of an interval.
TRUTH_PATIENTS = 400_000


@dataclass(frozen=True)
class Sums:
    """Sums of each patient, from which the figures follow.

    Attributes:
        numerators: (figures, data sets, patients) float64.
        denominators: The same shape; a figure is the ratio of both sums over patients.
    """

    numerators: npt.NDArray[np.float64]
    denominators: npt.NDArray[np.float64]

    def figures(self) -> npt.NDArray[np.float64]:
        """(figures, data sets): each figure of all patients of a data set."""
        ratio: npt.NDArray[np.float64] = self.numerators.sum(-1) / self.denominators.sum(-1)
        return ratio

    def replicates(self, weights: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """(figures, data sets, replicates): each figure in each replicate."""
        drawn = weights.T.astype(np.float64)
        ratio: npt.NDArray[np.float64] = (self.numerators @ drawn) / (self.denominators @ drawn)
        return ratio


def simulate(data_sets: int, patients: int, generator: np.random.Generator) -> Sums:
    """Patients with one to some eight nodules each.

    Args:
        data_sets: How many independent data sets.
        patients: Patients in each.
        generator: Source of chance.
    """
    shape = (data_sets, patients)
    nodules = 1 + generator.poisson(1.0, shape)
    # A patient's nodules are all easy or all hard: this spread is what resampling must see.
    ease = generator.normal(0.0, 1.0, shape)
    owner = np.repeat(np.arange(nodules.size), nodules.ravel())
    log_size = generator.normal(0.0, 1.2, owner.size)
    ability = ease.ravel()[owner] + 0.5 * log_size + generator.normal(0.0, 0.5, owner.size)
    found = generator.random(owner.size) < _logistic(2.0 + ability)
    dice = np.where(found, _logistic(1.5 + ability), 0.0)
    # Predicted and true voxels together; their common voxels are half the Dice of them.
    voxels = np.exp(log_size) * np.where(found, 2.0, 1.0)

    def summed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum of each patient."""
        sums = np.bincount(owner, values, minlength=nodules.size)
        return sums.reshape(shape).astype(np.float64)

    count = nodules.astype(np.float64)
    return Sums(
        np.stack([summed(dice * voxels), summed(dice), summed(found.astype(np.float64))]),
        np.stack([summed(voxels), count, count]),
    )


def _logistic(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-value))


def true_figures() -> npt.NDArray[np.float64]:
    """(figures,): each figure of a very large data set."""
    return simulate(1, TRUTH_PATIENTS, np.random.default_rng(SEED)).figures()[:, 0]


def coverage(
    patients: int, data_sets: int, replicates: int, truth: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Share of data sets whose 95% interval holds the true figure.

    Args:
        patients: Patients of each data set.
        data_sets: How many are simulated.
        replicates: Replicates of each.
        truth: (figures,) the true figures.

    Returns:
        (figures,) from 0 to 1.
    """
    sums = simulate(data_sets, patients, np.random.default_rng(SEED + patients))
    values = sums.replicates(replicate_weights(patients, replicates, SEED))
    held = np.zeros(len(truth))
    for figure, data_set in np.ndindex(values.shape[:2]):
        interval = percentile_interval(values[figure, data_set], patients=patients)
        held[figure] += interval.lower <= truth[figure] <= interval.upper
    return held / data_sets


def main(arguments: list[str] | None = None) -> None:
    """Prints a line for each number of patients."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    sizes = [5, 10, 20, 40, 80]
    parser.add_argument("--patients", type=whole_number, nargs="+", default=sizes, metavar="N")
    parser.add_argument("--data-sets", type=whole_number, default=2000, metavar="N")
    parser.add_argument("--replicates", type=whole_number, default=1000, metavar="N")
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    truth = true_figures()
    named = ", ".join(f"{name} {value:.3f}" for name, value in zip(FIGURES, truth, strict=True))
    print(f"true figures: {named}")
    print(f"{given.data_sets} data sets, {given.replicates} replicates; share of 95% intervals")
    print("that hold the true figure:")
    print("patients" + "".join(f"{name:>20}" for name in FIGURES))
    for patients in given.patients:
        held = coverage(patients, given.data_sets, given.replicates, truth)
        print(f"{patients:8}" + "".join(f"{share:20.3f}" for share in held), flush=True)
    print(f"{time.perf_counter() - start:.0f} s on {processor()}")


if __name__ == "__main__":
    main()
