"""The gate's criteria: what a model must reach to be blessed, in words, as JSON, and judged.

A bound is inclusive; an undefined figure fails, and so does a slice that the evaluation does not
hold. Without a model to compare with, a criterion on the change against it is not applicable. One
on a slice of fewer nodules than it asks for is not judged.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from schema.metrics import (
    Kind,
    MetricRow,
    On,
    figure_text,
    find_metric,
    find_row,
    signed_text,
)
from schema.slice_keys import BUCKET_ORDER, SPLIT_ORDER, slice_text

_KEYS: Final = (
    *("metric", "split", "bucket", "comparison", "bound"),
    *("kind", "on", "min_nodules"),
)

# Key of the count of nodules.
NODULES: Final = "nodules"


class Comparison(Enum):
    """How the figure must stand to the bound; the bound itself is good enough."""

    AT_LEAST = ">="
    AT_MOST = "<="

    @property
    def sign(self) -> str:
        """For people."""
        return "≥" if self is Comparison.AT_LEAST else "≤"

    @property
    def wrong_side(self) -> str:
        """Where a figure lies that misses the bound."""
        return "below" if self is Comparison.AT_LEAST else "above"


class Verdict(Enum):
    """How a criterion was judged."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Criterion:
    """One bound on one metric of one slice key.

    Attributes:
        metric: Key of the metric.
        split: Split that it is about, or "all".
        bucket: Size bucket that it is about, or "all".
        comparison: Whether the figure must be at least or at most the bound.
        bound: The bound; for a change, candidate minus last blessed model; for a gap, train split
            minus this split.
        kind: What of the metric is held against the bound.
        on: Whether the figure or a bound of its interval is.
        min_nodules: With fewer nodules in the slice it is not judged.
    """

    metric: str
    split: str
    bucket: str
    comparison: Comparison
    bound: float
    kind: Kind = Kind.VALUE
    on: On = On.VALUE
    min_nodules: int = 0

    def __post_init__(self) -> None:
        """Refuses what can't be judged."""
        find_metric(self.metric)
        if self.split not in SPLIT_ORDER:
            raise ValueError(f"expected a split of {SPLIT_ORDER}, got {self.split!r}")
        if self.bucket not in BUCKET_ORDER:
            raise ValueError(f"expected a bucket of {BUCKET_ORDER}, got {self.bucket!r}")
        if self.min_nodules < 0:
            raise ValueError(f"expected at least 0 min_nodules, got {self.min_nodules}")
        if not math.isfinite(self.bound):
            raise ValueError(f"expected a finite bound on {self.metric}, got {self.bound}")

    @property
    def text(self) -> str:
        """The criterion in words."""
        what = f"{find_metric(self.metric).label}, {slice_text(self.split, self.bucket)}"
        if self.kind is Kind.CHANGE:
            what = f"change of {what} against the last blessed model"
        elif self.kind is Kind.GAP:
            what = f"gap of {what} to the train split"
        if self.on is not On.VALUE:
            what = f"{self.on.value} bound of {what}"
        sign = "" if self.kind is Kind.VALUE else "+"
        return f"{what} {self.comparison.sign} " + f"{self.bound:{sign}g}".replace("-", "−")

    def margin(self, measured: float) -> float:
        """Distance of a figure to the bound, positive on the good side."""
        sign = 1.0 if self.comparison is Comparison.AT_LEAST else -1.0
        return sign * (measured - self.bound)

    def figure_text(self, value: float | None) -> str:
        """A figure of this criterion in words, signed where it is a difference."""
        return figure_text(value) if self.kind is Kind.VALUE else signed_text(value)

    def to_json(self) -> dict[str, Any]:
        """The criterion as plain JSON."""
        return {
            "metric": self.metric,
            "split": self.split,
            "bucket": self.bucket,
            "comparison": self.comparison.value,
            "bound": self.bound,
            "kind": self.kind.value,
            "on": self.on.value,
            "min_nodules": self.min_nodules,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Criterion":
        """The criterion of what `to_json` gave; further keys are passed over.

        Raises:
            ValueError: A key is missing or a value is none that a criterion can have.
        """
        missing = [key for key in _KEYS if key not in values]
        if missing:
            raise ValueError(f"expected a criterion with {_KEYS}, got none of {missing}: {values}")
        return cls(
            metric=values["metric"],
            split=values["split"],
            bucket=values["bucket"],
            comparison=Comparison(values["comparison"]),
            bound=float(values["bound"]),
            kind=Kind(values["kind"]),
            on=On(values["on"]),
            min_nodules=int(values["min_nodules"]),
        )


@dataclass(frozen=True)
class GateRow:
    """One criterion and how it was judged.

    Attributes:
        criterion: The criterion.
        measured: What was held against the bound; None where nothing was.
        verdict: How it was judged.
        reason: Why nothing was measured or judged, otherwise empty.
    """

    criterion: Criterion
    measured: float | None
    verdict: Verdict
    reason: str = ""

    @property
    def margin(self) -> float | None:
        """Distance to the bound, positive on the good side; None where nothing was measured."""
        return None if self.measured is None else self.criterion.margin(self.measured)

    @property
    def shortfall(self) -> str:
        """The criterion, what was measured, and by how much it misses the bound, in words."""
        one = self.criterion
        if self.measured is None or self.margin is None:
            return f"{one.text}: {self.reason}"
        by = signed_text(abs(self.margin)).removeprefix("+")
        return (
            f"{one.text}: measured {one.figure_text(self.measured)}, "
            f"{by} {one.comparison.wrong_side} the bound of {one.figure_text(one.bound)}"
        )

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON, as `summary.json` and `run.json` hold it."""
        return {
            "criterion": self.criterion.text,
            **self.criterion.to_json(),
            "measured": self.measured,
            "verdict": self.verdict.value,
            "margin": self.margin,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "GateRow":
        """The row of what `to_json` gave."""
        return cls(
            criterion=Criterion.from_json(values),
            measured=values["measured"],
            verdict=Verdict(values["verdict"]),
            reason=values["reason"],
        )


def criteria_to_json(criteria: Iterable[Criterion]) -> str:
    """The criteria as JSON text."""
    return json.dumps([one.to_json() for one in criteria], sort_keys=True)


def criteria_from_json(text: str) -> tuple[Criterion, ...]:
    """The criteria of what `criteria_to_json` gave.

    Raises:
        ValueError: The text is not a JSON list of criteria.
    """
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise ValueError(f"expected a JSON list of criteria, got {text}")
    return tuple(Criterion.from_json(one) for one in values)


class Figures(Protocol):
    """What was measured."""

    @property
    def has_baseline(self) -> bool:
        """Whether there is a model to compare with."""

    def find(self, kind: Kind, metric: str, split: str, bucket: str) -> MetricRow | None:
        """What was measured of one metric or count; None where the slice was not."""


@dataclass(frozen=True)
class MeasuredRows:
    """Figures in rows.

    Attributes:
        values: Of the candidate.
        changes: Candidate minus last blessed model; None where there is none to compare with.
        gaps: Train split minus the split of the row.
    """

    values: Sequence[MetricRow]
    changes: Sequence[MetricRow] | None = None
    gaps: Sequence[MetricRow] = ()

    @property
    def has_baseline(self) -> bool:
        """Whether there is a model to compare with."""
        return self.changes is not None

    def find(self, kind: Kind, metric: str, split: str, bucket: str) -> MetricRow | None:
        """The row of one metric and slice key."""
        rows = {Kind.VALUE: self.values, Kind.CHANGE: self.changes or (), Kind.GAP: self.gaps}
        return find_row(rows[kind], metric, split, bucket)


def judge(criteria: Iterable[Criterion], figures: Figures) -> tuple[GateRow, ...]:
    """Judges a model.

    Args:
        criteria: The gate's criteria.
        figures: What was measured.

    Returns:
        One row a criterion, in order.
    """
    return tuple(judge_one(one, figures) for one in criteria)


def is_passed(rows: Sequence[GateRow]) -> bool:
    """Whether a criterion was applied and none failed."""
    verdicts = {row.verdict for row in rows}
    return Verdict.PASS in verdicts and Verdict.FAIL not in verdicts


def judge_one(criterion: Criterion, figures: Figures) -> GateRow:
    """Judges a model by one criterion."""
    if criterion.kind is Kind.CHANGE and not figures.has_baseline:
        return GateRow(criterion, None, Verdict.NOT_APPLICABLE, "no baseline to compare with")
    nodules = figures.find(Kind.VALUE, NODULES, criterion.split, criterion.bucket)
    found = 0 if nodules is None or nodules.value is None else int(nodules.value)
    if found < criterion.min_nodules:
        reason = f"{found} nodules of at least {criterion.min_nodules}"
        return GateRow(criterion, None, Verdict.NOT_JUDGED, reason)
    measured, reason = _measured(criterion, figures)
    good = measured is not None and criterion.margin(measured) >= 0
    return GateRow(criterion, measured, Verdict.PASS if good else Verdict.FAIL, reason)


def _measured(criterion: Criterion, figures: Figures) -> tuple[float | None, str]:
    """The figure to hold against the bound, or None and why there is none."""
    row = figures.find(criterion.kind, criterion.metric, criterion.split, criterion.bucket)
    if row is None:
        return None, "no such slice"
    value = row.on(criterion.on)
    if not _is_defined(value):
        only_value = criterion.on is not On.VALUE and _is_defined(row.value)
        return None, "too few patients for an interval" if only_value else "undefined in this slice"
    return value, ""


def _is_defined(value: float | None) -> bool:
    return value is not None and not math.isnan(value)
