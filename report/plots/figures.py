"""Plots of the Evaluator's figures: by size, and the FROC curve."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from lungct.froc.curve import RATES, SENSITIVITY_KEYS
from report.detection import FrocCurve, Point
from report.plots import svg
from report.plots.svg import Axis, Frame
from report.words import figure_with_interval
from schema import features
from schema.criteria import Comparison
from schema.gate import GateRow
from schema.metrics import Kind, Metric, MetricRow, On, find_row
from schema.slice_keys import ALL, bucket_text

SPLITS: Final = (features.SPLIT_TRAIN, features.SPLIT_EVAL)
_WIDTH: Final = 0.38
_SHARES: Final = tuple((place / 5, f"{place / 5:g}") for place in range(6))
_LOWEST_RATE: Final = 1 / 16


def by_size(metric: Metric, rows: Sequence[MetricRow], gate: Sequence[GateRow] = ()) -> Markup:
    """A figure between 0 and 1 by size bucket, with intervals, of eval and of train if it has rows.

    Args:
        metric: Its metric.
        rows: Rows of the candidate, with counts of nodules.
        gate: Criteria; lower bounds on the eval split's figure are drawn.
    """
    shown = _splits(rows)
    ticks = tuple(
        (float(place), f"{bucket_text(bucket)}\nn = {_counts(rows, bucket, shown)}")
        for place, bucket in enumerate(features.BUCKETS)
    )
    frame = Frame(
        Axis("", -0.5, len(features.BUCKETS) - 0.5, ticks, lines=False),
        Axis(metric.heading, 0.0, 1.06, _SHARES),
    )
    parts = [
        part
        for shift, split in zip((-_WIDTH / 2, _WIDTH / 2), SPLITS, strict=True)
        if split in shown
        for place, bucket in enumerate(features.BUCKETS)
        for part in _bar(frame, place + shift, split, find_row(rows, metric.key, split, bucket))
    ]
    bounds = _bounds(frame, metric, gate)
    entries = [*((split, f"{split} split") for split in shown), ("whisker", "95% interval")]
    if bounds:
        entries.append(("bound", "bound of the gate"))
    title = f"{metric.label} of {' and '.join(shown)} by size"
    return svg.legend(entries) + svg.drawing(frame, title, *parts, *bounds)


def froc(curves: Sequence[FrocCurve], rows: Sequence[MetricRow]) -> Markup:
    """Sensitivity of the eval split against false positives per scan.

    Args:
        curves: That of all nodules first.
        rows: Rows of the candidate, with the sensitivities at the seven rates.
    """
    ticks = tuple((rate, _rate_text(rate)) for rate in RATES)
    frame = Frame(
        Axis("false positives per scan", _LOWEST_RATE, 2 * RATES[-1], ticks, log=True),
        Axis("sensitivity", 0.0, 1.02, _SHARES),
    )
    # That of all sizes is a broad line at the back, the others are dashed with ever wider gaps:
    # where curves coincide, each is seen through those above it.
    shown = [_shown(curve, frame.x) for curve in curves]
    lines = [
        svg.line(frame, points, f"curve {_css(curve.bucket)}")
        for curve, points in zip(curves, shown, strict=True)
    ]
    marks = []
    for rate, key in zip(RATES, SENSITIVITY_KEYS, strict=True):
        row = find_row(rows, key, features.SPLIT_EVAL)
        if row is not None and row.value is not None:
            text = f"{_rate_text(rate)} per scan: {figure_with_interval(row)}"
            marks.append(svg.whisker(frame, rate, row.lower, row.upper))
            marks.append(svg.dot(frame, (rate, row.value), "eval", text))
    entries = [
        (f"curve {_css(curve.bucket)}", _curve_text(curve) + _same_text(curves, shown, place))
        for place, curve in enumerate(curves)
    ]
    return svg.legend(entries) + svg.drawing(frame, "FROC curve", *lines, *marks)


def _bar(frame: Frame, x: float, split: str, row: MetricRow | None) -> list[Markup]:
    """A bar, its interval, and its value above both."""
    if row is None or row.value is None:
        return [svg.words(frame, (x, 0.0), "–")]
    half = _WIDTH / 2 - 0.02
    text = f"{split} split: {figure_with_interval(row)}"
    top = max(row.value, row.upper or 0.0)
    return [
        svg.bar(frame, (x - half, x + half), row.value, split, text),
        svg.whisker(frame, x, row.lower, row.upper),
        svg.words(frame, (x, top), f"{row.value:.2f}"),
    ]


def _bounds(frame: Frame, metric: Metric, gate: Sequence[GateRow]) -> list[Markup]:
    """The gate's bounds on what is drawn: across all sizes, or over the bar of one."""
    drawn = (metric.key, features.SPLIT_EVAL, Kind.VALUE, Comparison.AT_LEAST)
    lines = []
    for one in (row.criterion for row in gate):
        if (one.metric, one.split, one.kind, one.comparison) != drawn or one.on is On.UPPER:
            continue
        if one.bucket in features.BUCKETS and one.source == ALL:
            place = features.BUCKETS.index(one.bucket)
            lines.append(svg.level(frame, one.bound, "bound", (place, place + _WIDTH)))
    return lines


def _splits(rows: Sequence[MetricRow]) -> tuple[str, ...]:
    """Splits that are drawn; an evaluation has no train split."""
    found = {features.SPLIT_EVAL, *(row.split for row in rows)}
    return tuple(split for split in SPLITS if split in found)


def _counts(rows: Sequence[MetricRow], bucket: str, splits: Sequence[str]) -> str:
    """Nodules of each split."""
    found = [find_row(rows, "nodules", split, bucket) for split in splits]
    return " | ".join(f"{int(row.value or 0)}" if row else "0" for row in found)


def _shown(curve: FrocCurve, axis: Axis) -> list[Point]:
    """The part of a curve that an axis holds, level from its last point on."""
    before = max(share for rate, share in curve.points if rate <= axis.low)
    points = [(rate, share) for rate, share in curve.points if axis.low < rate <= axis.high]
    last = points[-1][1] if points else before
    return [(axis.low, before), *points, (axis.high, last)]


def _css(bucket: str) -> str:
    return "all" if bucket == ALL else f"size{features.BUCKETS.index(bucket)}"


def _curve_text(curve: FrocCurve) -> str:
    return f"{_what(curve)} (n = {curve.nodules})"


def _same_text(curves: Sequence[FrocCurve], shown: Sequence[list[Point]], place: int) -> str:
    """Which curve before it one coincides with; empty where none does."""
    first = shown.index(shown[place])
    return "" if first == place else f", the same curve as {_what(curves[first])}"


def _what(curve: FrocCurve) -> str:
    return "all sizes" if curve.bucket == ALL else bucket_text(curve.bucket)


def _rate_text(rate: float) -> str:
    return f"1/{1 / rate:g}" if rate < 1 else f"{rate:g}"
