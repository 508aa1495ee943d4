"""The metrics: one entry each, read by TFMA's configuration, gate, console and report.

The value of a metric is the property of the same name of `lungct.metrics.OverlapSums`. A new metric
is that property and an entry here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schema.slice_keys import ALL, slice_rank

UNDEFINED_TEXT: Final = "–"


@dataclass(frozen=True)
class Metric:
    """What is known of a metric apart from its value.

    Attributes:
        key: Name of the property of `OverlapSums`; the name in TFMA, `summary.json` and `run.json`.
        label: What people read.
        protocol: What the figure is and what it is over; stands beside it.
        formula: The protocol as a formula in P (predicted) and T (true), if it needs one.
        higher_is_better: Whether a larger figure is a better one.
        in_tables: Whether console and report show it by size bucket.
        headline: Whether the report shows it at the top, and beside it that of the train split.
    """

    key: str
    label: str
    protocol: str
    formula: str = ""
    higher_is_better: bool = True
    in_tables: bool = True
    headline: bool = False


@dataclass(frozen=True)
class MetricRow:
    """One metric of one slice key as it was measured.

    Attributes:
        split: Name of the split, or "all".
        bucket: Size bucket, or "all"; other slicing features appear as "feature=value".
        metric: Key of the metric.
        value: The figure; None where it is undefined.
        lower: Lower bound of its confidence interval, if there is one.
        upper: Upper bound of its confidence interval, if there is one.
    """

    split: str
    bucket: str
    metric: str
    value: float | None
    lower: float | None = None
    upper: float | None = None


POOLED_DICE: Final = Metric(
    "pooled_dice",
    "pooled Dice",
    "Dice over all voxels of the slices taken together",
    formula="2·Σ|P∩T| / (Σ|P| + Σ|T|); dominated by large nodules",
    headline=True,
)
MEAN_SLICE_DICE: Final = Metric(
    "mean_slice_dice",
    "mean slice Dice",
    "mean of the Dice of single slices, over the slices that hold truth",
    headline=True,
)
METRICS: Final = (
    POOLED_DICE,
    MEAN_SLICE_DICE,
    Metric(
        "precision", "voxel precision", "share of the predicted voxels of all slices that are true"
    ),
    Metric("recall", "voxel recall", "share of the true voxels of all slices that are predicted"),
)
TABLE_METRICS: Final = tuple(metric for metric in METRICS if metric.in_tables)
HEADLINES: Final = tuple(metric for metric in METRICS if metric.headline)


def find_metric(key: str) -> Metric:
    """The metric of a key.

    Raises:
        ValueError: There is none.
    """
    found = next((metric for metric in METRICS if metric.key == key), None)
    if found is None:
        known = ", ".join(metric.key for metric in METRICS)
        raise ValueError(f"expected one of the metrics {known}, got {key!r}")
    return found


def find_row(
    rows: Iterable[MetricRow], metric: str, split: str, bucket: str = ALL
) -> MetricRow | None:
    """The row of one metric and slice key; None when it was not measured."""
    wanted = (metric, split, bucket)
    return next((row for row in rows if (row.metric, row.split, row.bucket) == wanted), None)


def metric_value(
    rows: Iterable[MetricRow], metric: str, split: str, bucket: str = ALL
) -> float | None:
    """The figure of one slice key; None where it is undefined or was not measured."""
    row = find_row(rows, metric, split, bucket)
    return None if row is None else row.value


def in_order(rows: Sequence[MetricRow]) -> tuple[MetricRow, ...]:
    """The rows by split, bucket and metric; what is not known here comes last."""
    keys = [metric.key for metric in METRICS]

    def rank(row: MetricRow) -> tuple[int, int, int, str]:
        """Places of split, bucket and metric."""
        place = keys.index(row.metric) if row.metric in keys else len(keys)
        return *slice_rank(row.split, row.bucket), place, row.metric

    return tuple(sorted(rows, key=rank))


def figure_text(value: float | None) -> str:
    """Three decimals; a dash where the figure is undefined."""
    return UNDEFINED_TEXT if value is None or math.isnan(value) else f"{value:.3f}"


def signed_text(value: float | None) -> str:
    """Three decimals with a sign; one that would round to zero keeps its first digit."""
    if value is None or math.isnan(value):
        return UNDEFINED_TEXT
    text = f"{value:+.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:+.1g}"
    return text.replace("-", "−")
