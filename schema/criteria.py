"""The gate's criteria: what a model must reach to be blessed, in words and as JSON.

`schema.gate` judges by them.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from schema import features
from schema.metrics import (
    Kind,
    On,
    figure_text,
    find_metric,
    signed_text,
)
from schema.slice_keys import ALL, BUCKET_ORDER, SPLIT_ORDER, slice_text

_KEYS: Final = (
    *("metric", "split", "bucket", "comparison", "bound"),
    *("kind", "on", "min_nodules"),
)
_SOURCE: Final = "source"


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
        source: Name of the data root that it is about, or "all".
    """

    metric: str
    split: str
    bucket: str
    comparison: Comparison
    bound: float
    kind: Kind = Kind.VALUE
    on: On = On.VALUE
    min_nodules: int = 0
    source: str = ALL

    def __post_init__(self) -> None:
        """Refuses what can't be judged."""
        metric = find_metric(self.metric)
        if self.split not in SPLIT_ORDER:
            raise ValueError(f"expected a split of {SPLIT_ORDER}, got {self.split!r}")
        if self.bucket not in BUCKET_ORDER:
            raise ValueError(f"expected a bucket of {BUCKET_ORDER}, got {self.bucket!r}")
        if not self.source:
            raise ValueError(f"expected the name of a data root, or {ALL}, got {self.source!r}")
        if self.bucket != ALL and not metric.by_bucket:
            raise ValueError(f"expected {self.metric} of all buckets, got bucket {self.bucket!r}")
        if self.kind is Kind.GAP and self.split != features.SPLIT_EVAL:
            raise ValueError(f"expected the gap of the eval split, got split {self.split!r}")
        if self.min_nodules < 0:
            raise ValueError(f"expected at least 0 min_nodules, got {self.min_nodules}")
        if not math.isfinite(self.bound):
            raise ValueError(f"expected a finite bound on {self.metric}, got {self.bound}")

    @property
    def slice_key(self) -> tuple[str, str, str]:
        """Split, bucket and data root."""
        return self.split, self.bucket, self.source

    @property
    def text(self) -> str:
        """The criterion in words."""
        what = f"{find_metric(self.metric).label}, {slice_text(*self.slice_key)}"
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
            _SOURCE: self.source,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Criterion":
        """The criterion of what `to_json` gave; further keys are passed over.

        Records of runs from before criteria had a data root have none: it is all of them.

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
            source=values.get(_SOURCE, ALL),
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
