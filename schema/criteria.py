"""The gate's criteria: what a model must reach to be blessed, in words, as JSON, and judged.

The rules of judging are those of TFMA's own validation: a bound is inclusive, an undefined figure
fails, and so does a slice that the evaluation does not hold. Without a last blessed model a
criterion on the change against it is not applicable.

A further kind of criterion is a member of `Kind`, its branch in `Criterion.text` and `_measured`,
and its threshold in `pipeline/gate.py`.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from schema.metrics import MetricRow, figure_text, find_metric, find_row, signed_text
from schema.slice_keys import BUCKET_ORDER, SPLIT_ORDER, slice_text

_KEYS: Final = ("metric", "split", "bucket", "comparison", "bound", "kind")


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


class Kind(Enum):
    """Which figure is held against the bound."""

    VALUE = "absolute"
    CHANGE = "against last blessed"


class Verdict(Enum):
    """How a criterion was judged."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Criterion:
    """One bound on one metric of one slice key.

    Attributes:
        metric: Key of the metric.
        split: Split that it is about, or "all".
        bucket: Size bucket that it is about, or "all".
        comparison: Whether the figure must be at least or at most the bound.
        bound: The bound; for a change, candidate minus last blessed model.
        kind: Which figure is held against the bound.
    """

    metric: str
    split: str
    bucket: str
    comparison: Comparison
    bound: float
    kind: Kind = Kind.VALUE

    def __post_init__(self) -> None:
        """Refuses what can't be judged."""
        find_metric(self.metric)
        if self.split not in SPLIT_ORDER:
            raise ValueError(f"expected a split of {SPLIT_ORDER}, got {self.split!r}")
        if self.bucket not in BUCKET_ORDER:
            raise ValueError(f"expected a bucket of {BUCKET_ORDER}, got {self.bucket!r}")
        if not math.isfinite(self.bound):
            raise ValueError(f"expected a finite bound on {self.metric}, got {self.bound}")

    @property
    def text(self) -> str:
        """The criterion in words."""
        what = f"{find_metric(self.metric).label}, {slice_text(self.split, self.bucket)}"
        if self.kind is Kind.CHANGE:
            bound = f"{self.bound:+g}".replace("-", "−")
            what = f"change of {what} against the last blessed model"
            return f"{what} {self.comparison.sign} {bound}"
        return f"{what} {self.comparison.sign} {self.bound:g}"

    def margin(self, measured: float) -> float:
        """Distance of a figure to the bound, positive on the good side."""
        sign = 1.0 if self.comparison is Comparison.AT_LEAST else -1.0
        return sign * (measured - self.bound)

    def figure_text(self, value: float | None) -> str:
        """A figure of this criterion in words, signed where it is a change."""
        return signed_text(value) if self.kind is Kind.CHANGE else figure_text(value)

    def to_json(self) -> dict[str, Any]:
        """The criterion as plain JSON."""
        return {
            "metric": self.metric,
            "split": self.split,
            "bucket": self.bucket,
            "comparison": self.comparison.value,
            "bound": self.bound,
            "kind": self.kind.value,
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
        )


@dataclass(frozen=True)
class GateRow:
    """One criterion and how it was judged.

    Attributes:
        criterion: The criterion.
        measured: The figure; for a change, candidate minus last blessed model.
        verdict: Pass, fail or not applicable.
        reason: Why nothing was measured or compared, otherwise empty.
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


def judge(
    criteria: Iterable[Criterion],
    candidate: Sequence[MetricRow],
    last_blessed: Sequence[MetricRow] | None,
) -> tuple[GateRow, ...]:
    """Judges a model.

    Args:
        criteria: The gate's criteria.
        candidate: What was measured of the model.
        last_blessed: The same of the last blessed model; None when no model was blessed before.

    Returns:
        One row a criterion, in order.
    """
    return tuple(_judge_one(one, candidate, last_blessed) for one in criteria)


def is_passed(rows: Sequence[GateRow]) -> bool:
    """Whether a criterion was applied and none failed: TFX blesses nothing without a bound."""
    verdicts = {row.verdict for row in rows}
    return Verdict.PASS in verdicts and Verdict.FAIL not in verdicts


def _judge_one(
    criterion: Criterion, candidate: Sequence[MetricRow], last_blessed: Sequence[MetricRow] | None
) -> GateRow:
    if criterion.kind is Kind.CHANGE and last_blessed is None:
        return GateRow(
            criterion, None, Verdict.NOT_APPLICABLE, reason="no model was blessed before"
        )
    measured, reason = _measured(criterion, candidate, last_blessed or ())
    good = measured is not None and criterion.margin(measured) >= 0
    return GateRow(criterion, measured, Verdict.PASS if good else Verdict.FAIL, reason)


def _measured(
    criterion: Criterion, candidate: Sequence[MetricRow], last_blessed: Sequence[MetricRow]
) -> tuple[float | None, str]:
    """The figure to hold against the bound, or None and why there is none."""
    value, reason = _value(criterion, candidate)
    if value is None or criterion.kind is Kind.VALUE:
        return value, reason
    before, reason = _value(criterion, last_blessed)
    if before is None:
        return None, f"{reason} for the last blessed model"
    return value - before, ""


def _value(criterion: Criterion, rows: Sequence[MetricRow]) -> tuple[float | None, str]:
    row = find_row(rows, criterion.metric, criterion.split, criterion.bucket)
    if row is None:
        return None, "no such slice"
    if row.value is None or math.isnan(row.value):
        return None, "undefined in this slice"
    return row.value, ""
