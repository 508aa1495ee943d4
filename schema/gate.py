"""The gate: criteria held against what was measured.

A bound is inclusive; an undefined figure fails, and so does a slice that the evaluation does not
hold. Without a model to compare with, a criterion on the change against it is not applicable. One
on a slice of fewer nodules than it asks for is not judged.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from lungct.words import counted
from schema.criteria import Criterion
from schema.metrics import Kind, MetricRow, On, find_row, signed_text
from schema.slice_keys import ALL

# Key of the count of nodules.
NODULES: Final = "nodules"


class Verdict(Enum):
    """How a criterion was judged."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"
    NOT_JUDGED = "not judged"


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


class Figures(Protocol):
    """What was measured."""

    @property
    def has_baseline(self) -> bool:
        """Whether there is a model to compare with."""

    def find(
        self, kind: Kind, metric: str, split: str, bucket: str, source: str = ALL
    ) -> MetricRow | None:
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

    def find(
        self, kind: Kind, metric: str, split: str, bucket: str, source: str = ALL
    ) -> MetricRow | None:
        """The row of one metric and slice key."""
        rows = {Kind.VALUE: self.values, Kind.CHANGE: self.changes or (), Kind.GAP: self.gaps}
        return find_row(rows[kind], metric, split, bucket, source)


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
    nodules = figures.find(Kind.VALUE, NODULES, *criterion.slice_key)
    found = 0 if nodules is None or nodules.value is None else int(nodules.value)
    if found < criterion.min_nodules:
        reason = f"{counted(found, 'nodule')} of at least {criterion.min_nodules}"
        return GateRow(criterion, None, Verdict.NOT_JUDGED, reason)
    measured, reason = _measured(criterion, figures)
    good = measured is not None and criterion.margin(measured) >= 0
    return GateRow(criterion, measured, Verdict.PASS if good else Verdict.FAIL, reason)


def _measured(criterion: Criterion, figures: Figures) -> tuple[float | None, str]:
    """The figure to hold against the bound, or None and why there is none."""
    row = figures.find(criterion.kind, criterion.metric, *criterion.slice_key)
    if row is None:
        return None, "no such slice"
    value = row.on(criterion.on)
    if not _is_defined(value):
        only_value = criterion.on is not On.VALUE and _is_defined(row.value)
        return None, "too few patients for an interval" if only_value else "undefined in this slice"
    return value, ""


def _is_defined(value: float | None) -> bool:
    return value is not None and not math.isnan(value)
