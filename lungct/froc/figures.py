"""All figures of a submission, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from lungct.froc.curve import SENSITIVITY_KEYS, Froc, Weights, cpm
from lungct.froc.matching import FloatArray, Marks, ScanMatches, match_marks
from lungct.froc.tables import Challenge
from lungct.intervals import Interval, percentile_interval, replicate_weights
from lungct.sums import false_positives_per_scan, lesion_sensitivity

_NO_MARKS = Marks(np.empty((0, 3)), np.empty(0))


@dataclass(frozen=True)
class MarkCounts:
    """What was counted, in the order in which it is shown.

    Attributes:
        scans: Series that count.
        patients: Their patients.
        nodules: Their nodules.
        true_positives: Nodules that were hit.
        false_negatives: Nodules that were not.
        false_positives: Marks in no nodule and no excluded finding.
        marks_on_excluded: Marks in an excluded finding and in no nodule.
        further_hits: Marks in a nodule beside its best one.
        marks_over_limit: Marks left out as too many in their scan.
        marks_of_other_series: Marks in series that don't count.
    """

    scans: int
    patients: int
    nodules: int
    true_positives: int
    false_negatives: int
    false_positives: int
    marks_on_excluded: int
    further_hits: int
    marks_over_limit: int
    marks_of_other_series: int


@dataclass(frozen=True)
class FrocFigure:
    """One figure.

    Attributes:
        value: NaN where it is undefined.
        interval: Where it lies by resampling patients; None where none was asked for.
    """

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class FrocResult:
    """What is known of a submission.

    Attributes:
        counts: What was counted.
        figures: By name: lesion_sensitivity, false_positives_per_scan, each of
            `SENSITIVITY_KEYS`, cpm.
    """

    counts: MarkCounts
    figures: dict[str, FrocFigure]


def judge(challenge: Challenge, replicates: int = 0, seed: int = 0) -> FrocResult:
    """Judges a submission.

    Args:
        challenge: The submission and what it is judged by.
        replicates: How often patients are drawn for intervals; 0 for no intervals.
        seed: Of the draws.
    """
    matches = [
        match_marks(
            challenge.marks.get(uid, _NO_MARKS),
            challenge.nodules.get(uid, ()),
            challenge.excluded.get(uid, ()),
        )
        for uid in challenge.patients
    ]
    froc = Froc.gather(matches, list(challenge.patients.values()))
    counts = _counts(matches, froc, challenge.ignored_marks)
    return FrocResult(counts, figures_of(froc, replicates, seed))


def figures_of(froc: Froc, replicates: int = 0, seed: int = 0) -> dict[str, FrocFigure]:
    """All figures by name, as in `FrocResult`.

    Args:
        froc: The marks.
        replicates: How often its units are drawn; 0 for no intervals.
        seed: Of the draws.
    """
    values = _values(froc, None)
    if not replicates:
        return {name: FrocFigure(float(value), None) for name, value in values.items()}
    units = len(froc.scans)
    drawn = _values(froc, replicate_weights(units, replicates, seed))
    return {
        name: FrocFigure(float(value), percentile_interval(drawn[name], patients=units))
        for name, value in values.items()
    }


def _values(froc: Froc, weights: Weights | None) -> dict[str, FloatArray]:
    """Each figure by name, () or (replicates,)."""
    sensitivities, sums = froc.sensitivities(weights), froc.sums(weights)
    return {
        "lesion_sensitivity": lesion_sensitivity(sums),
        "false_positives_per_scan": false_positives_per_scan(sums),
        **{key: sensitivities[..., place] for place, key in enumerate(SENSITIVITY_KEYS)},
        "cpm": cpm(sensitivities),
    }


def _counts(matches: list[ScanMatches], froc: Froc, ignored_marks: int) -> MarkCounts:
    """Sums over scans."""

    def total(count: Callable[[ScanMatches], int]) -> int:
        """Sum over the scans."""
        return sum(map(count, matches))

    nodules, found = int(froc.nodules.sum()), int(froc.hits.sum())
    return MarkCounts(
        scans=len(matches),
        patients=len(froc.scans),
        nodules=nodules,
        true_positives=found,
        false_negatives=nodules - found,
        false_positives=len(froc.hits) - found,
        marks_on_excluded=total(lambda scan: scan.on_excluded),
        further_hits=total(lambda scan: scan.further_hits),
        marks_over_limit=total(lambda scan: scan.over_limit),
        marks_of_other_series=ignored_marks,
    )


def as_text(found: FrocResult) -> str:
    """The figures for people, one a line."""
    lines = [f"{name.replace('_', ' '):<28}{n:>10}" for name, n in asdict(found.counts).items()]
    for name, figure in found.figures.items():
        shown = name.upper() if name == "cpm" else name.replace("_", " ")
        lines.append(f"{shown:<28}{_number(figure.value):>10}{_bounds(figure.interval)}")
    return "\n".join(lines)


def _bounds(interval: Interval | None) -> str:
    """An interval behind its figure."""
    if interval is None:
        return ""
    return f"   95% interval {_number(interval.lower)} to {_number(interval.upper)}"


def _number(value: float) -> str:
    """A figure or bound."""
    return "undefined" if math.isnan(value) else f"{value:.4f}"


def as_json(found: FrocResult) -> str:
    """One JSON object: counts, and each figure with its bounds; null where it is undefined."""
    figures = {}
    for name, figure in found.figures.items():
        numbers = {"value": figure.value}
        if figure.interval is not None:
            numbers |= {"lower": figure.interval.lower, "upper": figure.interval.upper}
        figures[name] = {key: None if math.isnan(n) else n for key, n in numbers.items()}
    return json.dumps({"counts": asdict(found.counts), "figures": figures}, allow_nan=False)
