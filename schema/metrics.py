"""The metrics: one entry each, read by TFMA's configuration, gate, console and report.

The value of a metric is the figure of the same key in `lungct.figures`. A new metric is a formula
there and an entry here.
"""

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from lungct.froc.curve import RATES, SENSITIVITY_KEYS
from schema.slice_keys import ALL, slice_rank

UNDEFINED_TEXT: Final = "–"


@dataclass(frozen=True)
class Metric:
    """What is known of a metric apart from its value.

    Attributes:
        key: Key of its figure; the name in TFMA, `summary.json` and `run.json`.
        label: What people read.
        protocol: What the figure is and what it is over; stands beside it.
        formula: The protocol as a formula in P (predicted) and T (true), if it needs one.
        unit: Its unit, if it has one.
        higher_is_better: Whether a larger figure is a better one.
        by_bucket: Whether it is measured by size bucket too.
        in_tables: Whether console and report show it by size bucket.
        headline: Whether the report shows it at the top, and beside it that of the train split.
    """

    key: str
    label: str
    protocol: str
    formula: str = ""
    unit: str = ""
    higher_is_better: bool = True
    by_bucket: bool = True
    in_tables: bool = False
    headline: bool = False

    @property
    def heading(self) -> str:
        """The label with its unit, where it has one."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


class Kind(Enum):
    """What of a metric is measured."""

    VALUE = "value"
    CHANGE = "change"  # against the last blessed model, on the same patients
    GAP = "gap"  # the train split's figure minus the eval split's


class On(Enum):
    """Which of a figure and the bounds of its interval."""

    VALUE = "value"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True)
class MetricRow:
    """One metric of one slice key as it was measured.

    Attributes:
        split: Name of the split, or "all".
        bucket: Size bucket, or "all"; unknown slicing features appear as "feature=value".
        metric: Key of the metric, or of a count of `lungct.figures`.
        value: The figure; None where it is undefined.
        lower: Lower bound of its interval, if there is one.
        upper: Upper bound of its interval, if there is one.
        source: Name of the data root, or "all".
    """

    split: str
    bucket: str
    metric: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    source: str = ALL

    def on(self, on: On) -> float | None:
        """The figure or a bound of its interval."""
        return {On.VALUE: self.value, On.LOWER: self.lower, On.UPPER: self.upper}[on]


POOLED_DICE: Final = Metric(
    "pooled_dice",
    "pooled Dice",
    "Dice over all voxels of the slices taken together",
    formula="2·Σ|P∩T| / (Σ|P| + Σ|T|); dominated by large nodules",
    in_tables=True,
    headline=True,
)
MEAN_SLICE_DICE: Final = Metric(
    "mean_slice_dice",
    "mean slice Dice",
    "mean of the Dice of single slices, over the slices that hold truth",
    in_tables=True,
    headline=True,
)
NODULE_DICE: Final = Metric(
    "nodule_dice",
    "nodule Dice",
    "mean of the 3-D Dice of single nodules, each in a box 5 mm around it; missed ones count 0",
    in_tables=True,
    headline=True,
)
LESION_SENSITIVITY: Final = Metric(
    "lesion_sensitivity",
    "lesion sensitivity",
    "share of the nodules that a found nodule hits: its centre is nearer than the radius",
    in_tables=True,
    headline=True,
)
FALSE_POSITIVES: Final = Metric(
    "false_positives_per_scan",
    "false positives per scan",
    "found nodules that hit none and lie on no excluded finding, per scan",
    higher_is_better=False,
    by_bucket=False,
    headline=True,
)
CPM: Final = Metric(
    "cpm",
    "CPM",
    "mean of the sensitivities at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan",
)
FROC: Final = tuple(
    Metric(
        key,
        f"sensitivity at {rate:g} false positives per scan",
        "share of the nodules hit by found nodules of at least the probability at that rate",
    )
    for key, rate in zip(SENSITIVITY_KEYS, RATES, strict=True)
)
METRICS: Final = (
    POOLED_DICE,
    MEAN_SLICE_DICE,
    NODULE_DICE,
    LESION_SENSITIVITY,
    Metric(
        "precision",
        "voxel precision",
        "share of the predicted voxels of all slices that are true",
        in_tables=True,
    ),
    Metric(
        "recall",
        "voxel recall",
        "share of the true voxels of all slices that are predicted",
        in_tables=True,
    ),
    Metric("iou", "IoU", "intersection over union of the voxels of all slices"),
    Metric(
        "scan_dice",
        "scan Dice",
        "mean of the 3-D Dice of whole scans, over those that hold truth",
        by_bucket=False,
    ),
    Metric(
        "surface_dice",
        "surface Dice at 1 mm",
        "mean of the normalised surface Dice of single nodules at a tolerance of 1 mm, each in a "
        "box 5 mm around it; missed ones count 0",
    ),
    Metric(
        "hausdorff_mm",
        "Hausdorff distance",
        "mean of the 95th percentile Hausdorff distance of single nodules around which anything "
        "is predicted",
        unit="mm",
        higher_is_better=False,
    ),
    Metric(
        "volume_error",
        "relative volume error",
        "mean of |P − T| / T of single nodules, each in a box 5 mm around it; missed ones count 1",
        higher_is_better=False,
    ),
    FALSE_POSITIVES,
    CPM,
    *FROC,
)
TABLE_METRICS: Final = tuple(metric for metric in METRICS if metric.in_tables)
HEADLINES: Final = tuple(metric for metric in METRICS if metric.headline)


_BY_KEY: Final = {metric.key: metric for metric in METRICS}


def find_metric(key: str) -> Metric:
    """The metric of a key.

    Raises:
        ValueError: There is none; the text names the nearest.
    """
    if key not in _BY_KEY:
        (nearest,) = difflib.get_close_matches(key, _BY_KEY, n=1, cutoff=0.0)
        raise ValueError(
            f"expected a metric that docs/evaluation.md lists, got {key!r}; nearest: {nearest}"
        )
    return _BY_KEY[key]


def find_row(
    rows: Iterable[MetricRow], metric: str, split: str, bucket: str = ALL, source: str = ALL
) -> MetricRow | None:
    """The row of one metric and slice key; None when it was not measured."""
    wanted = (metric, split, bucket, source)
    found = (row for row in rows if (row.metric, row.split, row.bucket, row.source) == wanted)
    return next(found, None)


def metric_value(
    rows: Iterable[MetricRow], metric: str, split: str, bucket: str = ALL, source: str = ALL
) -> float | None:
    """The figure of one slice key; None where it is undefined or was not measured."""
    row = find_row(rows, metric, split, bucket, source)
    return None if row is None else row.value


def figure_name(key: str, kind: Kind = Kind.VALUE, on: On = On.VALUE) -> str:
    """The name of a figure in TFMA's result, such as `pooled_dice_change_lower`."""
    parts = (part.value for part in (kind, on) if part not in (Kind.VALUE, On.VALUE))
    return "_".join((key, *parts))


def parse_figure_name(name: str) -> tuple[str, Kind, On]:
    """Key, kind and which bound of what `figure_name` gave; any other name is a key of its own."""
    key, kind, on = name, Kind.VALUE, On.VALUE
    for bound in (On.LOWER, On.UPPER):
        if key.endswith(f"_{bound.value}"):
            key, on = key.removesuffix(f"_{bound.value}"), bound
    for one in (Kind.CHANGE, Kind.GAP):
        if key.endswith(f"_{one.value}"):
            key, kind = key.removesuffix(f"_{one.value}"), one
    return key, kind, on


def in_order(rows: Sequence[MetricRow]) -> tuple[MetricRow, ...]:
    """The rows by split, data root, bucket and metric; what is not known here comes last."""
    keys = [metric.key for metric in METRICS]

    def rank(row: MetricRow) -> tuple[int, str, int, int, str]:
        """Places of slice key and metric."""
        place = keys.index(row.metric) if row.metric in keys else len(keys)
        return *slice_rank(row.split, row.bucket, row.source), place, row.metric

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
