"""Two runs side by side: every figure of both on the patients that both judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lungct.figures import measure, measure_change
from lungct.sums import COLUMNS, Sums
from lungct.tally import Counts, Tally
from schema import features
from schema.metrics import METRICS, Metric
from schema.slice_keys import ALL, BUCKET_ORDER

A: Final = "a"
B: Final = "b"

# What a patient's counts have of the truth, whatever a model says of it.
_TRUTH: Final = ("truth", "nodules", "scans")
_NOTHING: Final = Counts(Sums().vector())


@dataclass(frozen=True)
class SplitPatients:
    """Whose figures of a split are compared.

    Attributes:
        split: Its name.
        common: Patients that both runs judged.
        only_a: Patients that only the first judged, which are left out.
        only_b: Patients that only the second judged, which are left out.
        other_truth: Common patients of whom the runs have other scans or another truth.
    """

    split: str
    common: int
    only_a: int
    only_b: int
    other_truth: int


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of both runs; NaN where it is undefined.

    Attributes:
        split: Split of the patients.
        bucket: Size bucket, or "all".
        metric: Key of the metric.
        a: The figure of the first run.
        b: The figure of the second run.
        change: The second minus the first.
        lower: Lower bound of the interval of the change.
        upper: Upper bound.
    """

    split: str
    bucket: str
    metric: Metric
    a: float
    b: float
    change: float
    lower: float
    upper: float

    @property
    def differs(self) -> bool:
        """Whether the figure is not the same in both."""
        both_undefined = math.isnan(self.a) and math.isnan(self.b)
        return self.a != self.b and not both_undefined

    @property
    def verdict(self) -> str:
        """Whether the second run is "better" or "worse"; empty where the interval holds 0."""
        if not (self.lower > 0 or self.upper < 0):
            return ""
        return "better" if (self.lower > 0) == self.metric.higher_is_better else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two runs on the patients that both judged.

    Attributes:
        patients: Whose figures are compared, by split.
        figures: By split, bucket and metric; those that are undefined in both are left out.
    """

    patients: tuple[SplitPatients, ...]
    figures: tuple[ComparedFigure, ...]


def compare(a: Tally, b: Tally, replicates: int) -> Comparison:
    """Compares two runs.

    Args:
        a: What the first counted for its model.
        b: What the second counted.
        replicates: How often patients are drawn; 0 for no intervals.
    """
    splits = [split for split in features.SPLITS if _patients(a, split) & _patients(b, split)]
    pairs = _pair(a, b)
    figures = tuple(
        figure
        for split in splits
        for bucket in BUCKET_ORDER
        for figure in _figures(pairs, split, bucket, replicates)
    )
    named = [split for split in features.SPLITS if _patients(a, split) | _patients(b, split)]
    return Comparison(tuple(_split_patients(a, b, pairs, split) for split in named), figures)


def _pair(a: Tally, b: Tally) -> Tally:
    """Both runs under one key, for the patients that both have in a split."""
    common = {(key.split, key.patient) for key in a.counts}
    common &= {(key.split, key.patient) for key in b.counts}
    pairs = Tally()
    for run, tally in ((A, a), (B, b)):
        for key, counts in tally.counts.items():
            if (key.split, key.patient) in common:
                # Both models under every key: one may have rows where the other has none.
                pairs.add(key, {A: _NOTHING, B: _NOTHING, run: counts[features.CANDIDATE]})
    return pairs


def _split_patients(a: Tally, b: Tally, pairs: Tally, split: str) -> SplitPatients:
    ours, theirs = _patients(a, split), _patients(b, split)
    columns = [COLUMNS.index(name) for name in _TRUTH]
    truths = [pairs.part(run, split).vectors[:, columns] for run in (A, B)]
    other_truth = int(np.any(truths[0] != truths[1], axis=1).sum())
    return SplitPatients(
        split, len(ours & theirs), len(ours - theirs), len(theirs - ours), other_truth
    )


def _patients(tally: Tally, split: str) -> set[str]:
    return {key.patient for key in tally.counts if key.split == split}


def _figures(pairs: Tally, split: str, bucket: str, replicates: int) -> Iterator[ComparedFigure]:
    """The figures of one slice key."""
    place = None if bucket == ALL else bucket
    a, b = pairs.part(A, split, place), pairs.part(B, split, place)
    for metric in METRICS:
        if a.patients and (metric.by_bucket or bucket == ALL):
            change = measure_change(metric.key, b, a, replicates)
            one = ComparedFigure(
                split=split,
                bucket=bucket,
                metric=metric,
                a=measure(metric.key, a, 0).value,
                b=measure(metric.key, b, 0).value,
                change=change.value,
                lower=change.lower,
                upper=change.upper,
            )
            if not (math.isnan(one.a) and math.isnan(one.b)):
                yield one


def changed_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The values of two configurations that differ.

    Args:
        a: The first, by section.
        b: The second.

    Returns:
        Both values by dotted key; None where one has no such key.
    """
    first, second = dict(_flat(a)), dict(_flat(b))
    keys = sorted(set(first) | set(second))
    return {
        key: (first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)
    }


def _flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
