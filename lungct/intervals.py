"""Intervals by resampling patients.

Slices and nodules of one patient resemble each other, so that resampling them would give intervals
that are far too narrow. Here whole patients are drawn with replacement: a replicate is a set of
weights, how often each patient was drawn, and the interval of a figure lies between percentiles of
the figure's values in the replicates (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13). With few patients such intervals are too narrow:
`python -m benchmarks.interval_coverage` prints how often they hold the true figure.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

DEFAULT_LEVEL: Final = 0.95
# Patients drawn at a time, which bounds memory beyond the result.
_BLOCK_DRAWS = 1 << 20


@dataclass(frozen=True)
class Interval:
    """Where a figure lies.

    Attributes:
        lower: Lower bound; NaN where it is undefined.
        upper: Upper bound; NaN where it is undefined.
        replicates: Replicates in which the figure is defined.
    """

    lower: float
    upper: float
    replicates: int


def replicate_weights(patients: int, replicates: int, seed: int) -> npt.NDArray[np.int32]:
    """How often each patient is drawn in each replicate.

    Args:
        patients: How many there are, at least 1.
        replicates: How many replicates, at least 1.
        seed: 0 or more; the same arguments give the same weights, and more replicates begin with
            those of fewer.

    Returns:
        (replicates, patients) int32; each row sums to `patients`.

    Raises:
        ValueError: An argument is less than that.
    """
    if patients < 1 or replicates < 1 or seed < 0:
        raise ValueError(
            "expected at least 1 patient, at least 1 replicate and a seed from 0, "
            f"got {patients}, {replicates} and {seed}"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    weights = np.empty((replicates, patients), dtype=np.int32)
    block = max(1, _BLOCK_DRAWS // patients)
    for start in range(0, replicates, block):
        rows = weights[start : start + block]
        drawn = generator.integers(0, patients, size=rows.shape)
        drawn += patients * np.arange(len(rows))[:, None]
        rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
    return weights


def percentile_interval(
    values: npt.ArrayLike, level: float = DEFAULT_LEVEL, patients: int | None = None
) -> Interval:
    """The interval between percentiles of a figure's values in replicates.

    Args:
        values: (replicates,) float; NaN where the figure is undefined, which is left out.
        level: Share of the values that lie between the bounds, above 0 and below 1.
        patients: How many were resampled; None for at least 2.

    Returns:
        The interval. Both bounds are NaN where less than half of the replicates are defined, none
        is given, or there are fewer than 2 patients, of which no spread can be known.

    Raises:
        ValueError: The values have not one axis, or the level is out of its range.
    """
    figures = np.asarray(values, dtype=np.float64)
    if figures.ndim != 1:
        raise ValueError(f"expected values of shape (replicates,), got {figures.shape}")
    if not 0 < level < 1:
        raise ValueError(f"expected a level above 0 and below 1, got {level}")
    defined = figures[~np.isnan(figures)]
    few_patients = patients is not None and patients < 2
    if few_patients or not defined.size or 2 * defined.size < figures.size:
        return Interval(math.nan, math.nan, defined.size)
    lower, upper = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(lower), float(upper), defined.size)
