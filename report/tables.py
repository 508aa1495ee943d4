"""The cards and tables of the page, as typed rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from report.content import ReportContent, sum_up_nodules
from report.evaluation import Evaluation
from report.nodules import NoduleResult
from report.words import count, counted, figure_with_interval, interval_text
from schema import features
from schema.gate import GateRow, MeasuredRows
from schema.gate_text import bound_text, value_text
from schema.metrics import (
    HEADLINES,
    METRICS,
    TABLE_METRICS,
    Kind,
    Metric,
    MetricRow,
    figure_text,
    find_row,
)
from schema.slice_keys import ALL, bucket_text

EVAL: Final = features.SPLIT_EVAL
TRAIN: Final = features.SPLIT_TRAIN
MAX_CHANGED: Final = 5


@dataclass(frozen=True)
class Card:
    """One key figure with what belongs to it.

    Attributes:
        title: Its name.
        value: The figure.
        interval: Its interval; empty where there is none.
        protocol: What it is over.
        beside: What it is compared with, and of how many it is, a line each.
    """

    title: str
    value: str
    interval: str
    protocol: str
    beside: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A figure of a table and its interval in words."""

    value: str
    interval: str


@dataclass(frozen=True)
class TableRow:
    """A line of a table of figures.

    Attributes:
        name: What it is about.
        counts: How many of what it is over, after other words that tell it apart.
        cells: The figures.
        is_total: Whether the other lines are parts of it.
    """

    name: str
    counts: tuple[str, ...]
    cells: tuple[Cell, ...]
    is_total: bool = False


@dataclass(frozen=True)
class GateLine:
    """A criterion of the gate.

    Attributes:
        row: How it was judged.
        value: The figure.
        bound: The bound of its interval that was judged; empty where the figure itself was.
        interval: Its interval; empty where there is none.
    """

    row: GateRow
    value: str
    bound: str
    interval: str


@dataclass(frozen=True)
class ChangeRow:
    """How one figure changed against the last blessed model."""

    label: str
    before: str
    now: str
    change: str
    interval: str


def cards(content: ReportContent) -> list[Card]:
    """The key figures."""
    summary = sum_up_nodules(content.findings.eval_nodules)
    shown = [_metric_card(content.evaluation, metric) for metric in HEADLINES]
    shown.append(
        Card(
            "median nodule Dice",
            figure_text(summary.median_dice),
            "",
            "3-D, per eval nodule, in a box around it",
            (f"n = {summary.measured} of {counted(summary.nodules, 'nodule')}",),
        )
    )
    shown.append(
        Card(
            "nodules touched",
            f"{summary.touched} of {summary.nodules}",
            "",
            "eval nodules whose box holds at least one voxel that is both true and predicted",
            (),
        )
    )
    return shown


def gate_lines(evaluation: Evaluation) -> list[GateLine]:
    """The criteria as the page shows them."""
    measured = evaluation.measured
    return [
        GateLine(
            row,
            value_text(row, measured),
            bound_text(row) if row.measured is not None else "",
            _interval_of(row, measured),
        )
        for row in evaluation.gate
    ]


def size_rows(content: ReportContent, split: str, metrics: Sequence[Metric]) -> list[TableRow]:
    """A line for all sizes and each size bucket of a split."""
    rows = content.evaluation.metrics
    lines = []
    for bucket in (ALL, *features.BUCKETS):
        # TFMA counts every patient in every bucket, as false positives have no size.
        owners = {
            one.patient_id
            for one in content.findings.nodules
            if (one.split, one.bucket) == (split, bucket)
        }
        patients = _count(rows, "patients", split, bucket) if bucket == ALL else count(len(owners))
        lines.append(
            TableRow(
                "all sizes" if bucket == ALL else bucket_text(bucket),
                (patients, _count(rows, "nodules", split, bucket)),
                tuple(_cell(find_row(rows, metric.key, split, bucket)) for metric in metrics),
                is_total=bucket == ALL,
            )
        )
    return lines


def source_rows(content: ReportContent) -> list[TableRow]:
    """A line for each data root and split that has figures."""
    rows = content.evaluation.metrics
    return [
        TableRow(
            one.source,
            (one.split, count(one.patients), count(one.scans), count(one.nodules)),
            tuple(
                _cell(find_row(rows, metric.key, one.split, source=one.source))
                for metric in TABLE_METRICS
            ),
        )
        for one in content.data.sources
        if find_row(rows, TABLE_METRICS[0].key, one.split, source=one.source) is not None
    ]


def further_rows(rows: Sequence[MetricRow]) -> list[tuple[Metric, MetricRow]]:
    """Figures of the eval split that have no card."""
    found = ((metric, find_row(rows, metric.key, EVAL)) for metric in METRICS)
    return [(metric, row) for metric, row in found if row is not None and not metric.headline]


def change_rows(evaluation: Evaluation) -> list[ChangeRow]:
    """How the figures of the eval split changed; empty without a baseline."""
    rows = []
    for metric in METRICS:
        change = find_row(evaluation.changes or (), metric.key, EVAL)
        if change is not None:
            rows.append(
                ChangeRow(
                    metric.heading,
                    figure_text(_value(evaluation.last_blessed, metric)),
                    figure_text(_value(evaluation.metrics, metric)),
                    figure_with_interval(MetricRow(EVAL, ALL, metric.key, change.value), True),
                    interval_text(change, signed=True),
                )
            )
    return rows


def changed_nodules(nodules: Iterable[NoduleResult]) -> list[NoduleResult]:
    """The nodules whose Dice fell and rose most against the last blessed model."""
    known = sorted(
        (one.change, one.anchor, one) for one in nodules if one.change is not None and one.change
    )
    fell = [one for change, _, one in known if change < 0][:MAX_CHANGED]
    rose = [one for change, _, one in reversed(known) if change > 0][:MAX_CHANGED]
    return fell + rose


def _metric_card(evaluation: Evaluation, metric: Metric) -> Card:
    measured = evaluation.measured
    row = measured.find(Kind.VALUE, metric.key, EVAL, ALL)
    train = measured.find(Kind.VALUE, metric.key, TRAIN, ALL)
    beside = [_over(evaluation.metrics)]
    if train is not None and train.value is not None:
        beside.append(f"train split {figure_with_interval(train)}")
    for kind, name in ((Kind.GAP, "gap to train"), (Kind.CHANGE, "against the last blessed")):
        found = measured.find(kind, metric.key, EVAL, ALL)
        if found is not None and found.value is not None:
            beside.append(f"{name} {figure_with_interval(found, signed=True)}")
    value = figure_text(row.value if row else None)
    unit = f" {metric.unit}" if metric.unit else ""
    return Card(
        metric.label, value + unit, interval_text(row), metric.protocol, tuple(filter(None, beside))
    )


def _over(rows: Sequence[MetricRow]) -> str:
    """Of how many patients and nodules the figures of the eval split are."""
    found = [(name, find_row(rows, f"{name}s", EVAL)) for name in ("patient", "nodule")]
    parts = [counted(int(row.value or 0), name) for name, row in found if row is not None]
    return f"n = {', '.join(parts)}" if parts else ""


def _interval_of(row: GateRow, measured: MeasuredRows) -> str:
    one = row.criterion
    found = measured.find(one.kind, one.metric, *one.slice_key)
    return interval_text(found, signed=one.kind is not Kind.VALUE)


def _count(rows: Sequence[MetricRow], name: str, split: str, bucket: str) -> str:
    found = find_row(rows, name, split, bucket)
    return count(found.value if found else None)


def _cell(row: MetricRow | None) -> Cell:
    return Cell(figure_text(row.value if row else None), interval_text(row))


def _value(rows: Sequence[MetricRow], metric: Metric) -> float | None:
    row = find_row(rows, metric.key, EVAL)
    return row.value if row else None
