"""Reliability of the probabilities: of the voxels called 70% likely, how many are true?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lungct.intervals import percentile_interval, replicate_weights
from lungct.tally import IntArray
from schema import features
from schema.judged import ScanRow

_SEED: Final = 1


@dataclass(frozen=True)
class CalibrationBin:
    """Voxels of the region of a range of probabilities.

    Attributes:
        low: Lowest probability.
        high: Highest probability.
        voxels: How many voxels.
        true_voxels: How many of them are true.
        lower: Lower bound of the interval of the share of true ones, by patients; None for none.
        upper: Upper bound.
    """

    low: float
    high: float
    voxels: int
    true_voxels: int
    lower: float | None
    upper: float | None

    @property
    def middle(self) -> float:
        """Stands for the mean probability, which is not known."""
        return (self.low + self.high) / 2

    @property
    def share(self) -> float | None:
        """Share of the voxels that are true; None for no voxels."""
        return self.true_voxels / self.voxels if self.voxels else None


def calibration(scans: Sequence[ScanRow], replicates: int) -> tuple[CalibrationBin, ...]:
    """The bins of some scans together.

    Args:
        scans: Scans with the same bins.
        replicates: How often patients are drawn for intervals; 0 for none.

    Returns:
        The bins from low to high probability; none without scans.

    Raises:
        ValueError: The scans have different numbers of bins.
    """
    if not scans:
        return ()
    counts = _by_patient(scans)
    edges = np.linspace(0, 1, counts.shape[2] + 1).tolist()
    totals = counts.sum(axis=0).tolist()
    bounds = _bounds(counts, replicates)
    return tuple(
        CalibrationBin(low, high, voxels, true, *interval)
        for low, high, voxels, true, interval in zip(
            edges[:-1], edges[1:], *totals, bounds, strict=True
        )
    )


def _by_patient(scans: Sequence[ScanRow]) -> IntArray:
    """(patients, 2, bins): voxels and true voxels."""
    sizes = sorted({len(row.figures[features.CANDIDATE].calibration.voxels) for row in scans})
    if len(sizes) != 1:
        raise ValueError(f"expected the same number of bins in every scan, got {sizes}")
    found: dict[str, IntArray] = {}
    for row in scans:
        one = row.figures[features.CANDIDATE].calibration
        both = np.array([one.voxels, one.true_voxels], np.int64)
        patient = row.place.patient_id
        found[patient] = found[patient] + both if patient in found else both
    return np.stack([found[patient] for patient in sorted(found)])


def _bounds(counts: IntArray, replicates: int) -> list[tuple[float | None, float | None]]:
    """Bounds of the share of true voxels in each bin."""
    if not replicates:
        return [(None, None)] * counts.shape[2]
    weights = replicate_weights(len(counts), replicates, _SEED).astype(np.float64)
    voxels, true = (weights @ counts[:, column].astype(np.float64) for column in (0, 1))
    shares = np.divide(true, voxels, out=np.full(voxels.shape, np.nan), where=voxels > 0)
    intervals = [percentile_interval(column, patients=len(counts)) for column in shares.T]
    return [(None, None) if np.isnan(one.lower) else (one.lower, one.upper) for one in intervals]
