"""The FROC curve of many scans, and its figures for patients drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lungct.froc.matching import BoolArray, FloatArray, ScanMatches
from lungct.metrics import ratio
from lungct.sums import Sums

IntArray = npt.NDArray[np.int64]
# Of one axis (units,) or two (replicates, units).
Weights = npt.NDArray[np.integer[Any]]

# False positives per scan at which LUNA16 reads the curve.
RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

# Names of the sensitivities at these rates, wherever figures have names.
SENSITIVITY_KEYS: Final = tuple(f"sensitivity_at_{rate:g}" for rate in RATES)

# Marks times replicates that are summed at a time, which bounds memory.
_BLOCK_MARKS = 1 << 21


@dataclass(frozen=True)
class Curve:
    """A FROC curve: first nothing is marked, then one point for each score, highest first.

    Attributes:
        scores: (points,) float64, the lowest score that is a mark; infinite at the first point.
        false_positives_per_scan: (points,) float64, from 0, never less than at the point before.
        sensitivity: (points,) float64, from 0, never less than at the point before; NaN when there
            are no nodules.
    """

    scores: FloatArray
    false_positives_per_scan: FloatArray
    sensitivity: FloatArray


@dataclass(frozen=True)
class Froc:
    """Hits and false positives of many scans, by the unit that is resampled: the patient.

    All figures take integer weights, how often each unit was drawn: of shape (units,) for one set
    of scans, of shape (replicates, units) for many; None for each unit once. A figure of
    several replicates has them on its first axis. The order of the marks does not matter, and
    several marks with one score are one point of the curve.

    Attributes:
        scores: (marks,) float64: of each nodule that was hit the highest score of its hits, and of
            each false positive its score.
        units: (marks,) int64: index of the unit of each.
        hits: (marks,) bool: a hit, not a false positive.
        nodules: (units,) int64: nodules of each unit, found or not.
        scans: (units,) int64: scans of each unit, with or without marks.

    Raises:
        ValueError: The shapes don't fit, a score is not finite, a unit is out of range or has more
            hits than nodules.
    """

    scores: FloatArray
    units: IntArray
    hits: BoolArray
    nodules: IntArray
    scans: IntArray

    def __post_init__(self) -> None:
        """Refuses arrays that don't belong together."""
        marks = self.scores.shape, self.units.shape, self.hits.shape
        units = self.nodules.shape, self.scans.shape
        if len(set(marks)) != 1 or len(marks[0]) != 1:
            raise ValueError(f"expected scores, units and hits of shape (marks,), got {marks}")
        if units[0] != units[1] or len(units[0]) != 1:
            raise ValueError(f"expected nodules and scans of shape (units,), got {units}")
        if not np.isfinite(self.scores).all():
            wrong = self.scores[~np.isfinite(self.scores)][0]
            raise ValueError(f"expected finite scores, got {wrong}")
        if self.units.size and not 0 <= self.units.min() <= self.units.max() < len(self.scans):
            got = f"{self.units.min()} to {self.units.max()}"
            raise ValueError(f"expected units from 0 to {len(self.scans) - 1}, got {got}")
        excess = np.bincount(self.units[self.hits], minlength=len(self.scans)) - self.nodules
        if excess.max(initial=0) > 0:
            got = f"{excess.max()} more in unit {excess.argmax()}"
            raise ValueError(f"expected at most as many hits as nodules in each unit, got {got}")

    @classmethod
    def gather(cls, matches: Sequence[ScanMatches], patients: Sequence[str]) -> Froc:
        """Joins the matches of many scans.

        Args:
            matches: Those of each scan.
            patients: Whose each scan is; units are in the order of their names.

        Raises:
            ValueError: The lengths differ.
        """
        if len(matches) != len(patients):
            got = f"{len(matches)} and {len(patients)}"
            raise ValueError(f"expected matches and a patient of each scan, got {got}")
        names = {name: index for index, name in enumerate(sorted(set(patients)))}
        owners = np.array([names[name] for name in patients], dtype=np.int64)
        found = [scan.hit_scores[~np.isnan(scan.hit_scores)] for scan in matches]
        false = [scan.false_positive_scores for scan in matches]
        scores = np.concatenate([np.empty(0), *found, *false])
        counts = np.array([len(part) for part in (*found, *false)], dtype=np.int64)
        of_scans = np.array([len(scan.hit_scores) for scan in matches], dtype=np.int64)
        nodules = np.zeros(len(names), dtype=np.int64)
        np.add.at(nodules, owners, of_scans)
        return cls(
            scores,
            np.repeat(np.concatenate([owners, owners]), counts),
            np.arange(len(scores)) < sum(map(len, found)),
            nodules,
            np.bincount(owners, minlength=len(names)),
        )

    def curve(self) -> Curve:
        """The curve of all units."""
        order, ends = self._points()
        (false_positives,), (hits,) = self._cumulative(self._all_units()[None], order, ends)
        scores = np.concatenate([[np.inf], self.scores[order][ends]])
        return Curve(
            scores, ratio(false_positives, self.scans.sum()), ratio(hits, self.nodules.sum())
        )

    def sensitivities(self, weights: Weights | None = None) -> FloatArray:
        """Sensitivity at each of `RATES`, on straight lines between the points of the curve.

        Of several points at one rate of false positives the highest counts, as it does for
        `numpy.interp` in LUNA16's script. The curve begins at no false positives and no hits;
        beyond its last point it goes on level.

        Args:
            weights: See the class.

        Returns:
            (7,) or (replicates, 7) float64; NaN without nodules or scans.

        Raises:
            ValueError: The weights are of another shape, or negative.
        """
        rows, shape = self._rows(weights)
        order, ends = self._points()
        found = np.empty((len(rows), len(RATES)))
        block = max(1, _BLOCK_MARKS // max(1, len(order)))
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            targets = np.multiply.outer(part @ self.scans, RATES)
            points = zip(*self._cumulative(part, order, ends), targets, strict=True)
            found[start : start + block] = [_interpolate(*row) for row in points]
        figures = ratio(found, (rows @ self.nodules)[:, None])
        figures[rows @ self.scans == 0] = np.nan
        return figures.reshape((*shape, len(RATES)))

    def sums(self, weights: Weights | None = None) -> Sums:
        """What marks of all scores count: nodules, their hits, scans and false positives.

        Args:
            weights: See the class.

        Returns:
            Sums of arrays () or (replicates,); all others are 0.

        Raises:
            ValueError: The weights are of another shape, or negative.
        """
        rows, shape = self._rows(weights)
        hits, false_positives = (
            np.bincount(self.units[kind], minlength=len(self.scans))
            for kind in (self.hits, ~self.hits)
        )
        of_units = {"nodules": self.nodules, "scans": self.scans}
        of_units |= {"hits": hits, "false_positives": false_positives}
        return Sums(**{name: (rows @ one).reshape(shape) for name, one in of_units.items()})

    def _all_units(self) -> IntArray:
        """Weights of each unit once."""
        return np.ones(len(self.scans), dtype=np.int64)

    def _rows(self, weights: Weights | None) -> tuple[Weights, tuple[int, ...]]:
        """Weights as (replicates, units), and the axes of a figure of them."""
        given = self._all_units() if weights is None else weights
        if given.ndim not in (1, 2) or given.shape[-1] != len(self.scans):
            units = len(self.scans)
            raise ValueError(f"expected weights (units,) of {units} units, got {given.shape}")
        if given.size and given.min() < 0:
            raise ValueError(f"expected weights from 0, got {given.min()}")
        return np.atleast_2d(given), given.shape[:-1]

    def _points(self) -> tuple[IntArray, IntArray]:
        """Marks from the highest score, and where in this order the last mark of each score is."""
        order = np.argsort(-self.scores, kind="stable")
        scores = self.scores[order]
        return order, np.flatnonzero(np.append(scores[1:] != scores[:-1], True)[: len(scores)])

    def _cumulative(
        self, rows: Weights, order: IntArray, ends: IntArray
    ) -> tuple[IntArray, IntArray]:
        """False positives and hits at each point of the curve, each (replicates, points)."""
        drawn, hits = rows[:, self.units[order]], self.hits[order]
        sums = []
        for kind in (~hits, hits):
            counts = np.zeros((len(rows), len(ends) + 1), dtype=np.int64)
            counts[:, 1:] = np.cumsum(drawn * kind, axis=1, dtype=np.int64)[:, ends]
            sums.append(counts)
        return sums[0], sums[1]


def cpm(sensitivities: FloatArray) -> FloatArray:
    """The competition performance metric.

    Args:
        sensitivities: (..., 7), by `Froc.sensitivities`.

    Returns:
        (...) float64, their mean; NaN where one is.
    """
    return np.asarray(sensitivities.mean(axis=-1))


def _interpolate(false_positives: IntArray, hits: IntArray, targets: FloatArray) -> FloatArray:
    """Hits at numbers of false positives; the last of several equal points counts."""
    before = np.searchsorted(false_positives, targets, side="right") - 1
    after = np.minimum(before + 1, len(false_positives) - 1)
    gaps = np.maximum(false_positives[after] - false_positives[before], 1)
    shares = np.where(after > before, (targets - false_positives[before]) / gaps, 0.0)
    return np.asarray(hits[before] + shares * (hits[after] - hits[before]))
