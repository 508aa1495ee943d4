"""The report's page: one HTML file with everything inline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from report import plots
from report.content import ReportContent, sum_up_nodules
from report.pictures import ZOOM_MM
from schema import features
from schema.metrics import (
    HEADLINES,
    METRICS,
    POOLED_DICE,
    TABLE_METRICS,
    UNDEFINED_TEXT,
    Metric,
    figure_text,
    metric_value,
    signed_text,
)
from schema.slice_keys import ALL, SOURCE_PREFIX, bucket_text, shown_buckets, source_text

TEMPLATE: Final = "page.html.j2"


@dataclass(frozen=True)
class Card:
    """One key figure with its protocol beside it."""

    title: str
    value: str
    protocol: str
    beside: str


def render(content: ReportContent) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        bucket_text=bucket_text,
        count=count,
        decimal=decimal,
        figure=figure_text,
        sentence=sentence,
        signed=signed_text,
        two_lines=two_lines,
    )
    nodules = {split.split: split.nodules for split in content.data.splits}
    return environment.get_template(TEMPLATE).render(
        content=content,
        cards=cards(content),
        buckets=features.BUCKETS,
        size_rows=size_rows(content, nodules),
        metrics=METRICS,
        pooled_dice=POOLED_DICE,
        table_metrics=TABLE_METRICS,
        headlines=HEADLINES,
        plots=_plots(content, nodules),
        configuration=pretty(content.making.configuration),
        train_patients=train_patients(content.making.configuration),
        nodule_summary=sum_up_nodules(content.eval_nodules),
        zoom_mm=ZOOM_MM,
    )


def decimal(value: float | None, places: int = 2) -> str:
    """Some decimals."""
    return UNDEFINED_TEXT if value is None else f"{value:.{places}f}"


def count(value: int | None) -> str:
    """A whole number, its thousands separated by a thin space."""
    return UNDEFINED_TEXT if value is None else f"{value:,}".replace(",", "\u202f")


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def two_lines(text: str) -> list[str]:
    """The text in two parts for a narrow column, split at its last space."""
    return text.rsplit(" ", 1)


def pretty(configuration: str) -> str:
    """The configuration indented."""
    return json.dumps(json.loads(configuration), indent=2, ensure_ascii=False)


def train_patients(configuration: str) -> int:
    """Of how many patients of the train split figures are; 0 for all."""
    evaluation = json.loads(configuration).get("evaluation") or {}
    return int(evaluation.get("train_patients", 0))


def cards(content: ReportContent) -> list[Card]:
    """The key figures."""
    summary = sum_up_nodules(content.eval_nodules)
    shown = [_metric_card(content, metric) for metric in HEADLINES]
    shown.append(
        Card(
            "nodule Dice, median",
            figure_text(summary.median_dice),
            "3-D, per eval nodule, in a box around it",
            f"{summary.measured} of {summary.nodules} nodules measured",
        )
    )
    shown.append(
        Card(
            "nodules touched",
            f"{summary.touched} of {summary.nodules}",
            "eval nodules whose box holds at least one voxel that is both true and predicted",
            "",
        )
    )
    return shown


def size_rows(
    content: ReportContent, nodules: Mapping[str, Mapping[str, int]]
) -> list[dict[str, Any]]:
    """A line per size bucket, and per data root where there are several, of train and eval."""
    rows = []
    measured = {row.bucket for row in content.evaluation.metrics}
    for bucket in shown_buckets({ALL, *features.BUCKETS, *measured} - {features.BUCKET_NONE}):
        sides = {}
        for split in (features.SPLIT_TRAIN, features.SPLIT_EVAL):
            counts = nodules.get(split, {})
            sides[split] = {
                "nodules": _nodules(counts, bucket),
                **{
                    metric.key: metric_value(content.evaluation.metrics, metric.key, split, bucket)
                    for metric in METRICS
                },
            }
        rows.append({"bucket": _row_name(bucket), **sides})
    return rows


def _nodules(counts: Mapping[str, int], bucket: str) -> int | None:
    """How many nodules a slice key has; of a data root it is not counted."""
    if bucket == ALL:
        return sum(counts.values())
    return counts.get(bucket, 0) if bucket in features.BUCKETS else None


def _row_name(bucket: str) -> str:
    """A slice key as the table of sizes has it."""
    if bucket == ALL:
        return "all sizes"
    return source_text(bucket) if bucket.startswith(SOURCE_PREFIX) else bucket_text(bucket)


def _metric_card(content: ReportContent, metric: Metric) -> Card:
    evaluation = content.evaluation
    measured = metric_value(evaluation.metrics, metric.key, features.SPLIT_EVAL)
    train = metric_value(evaluation.metrics, metric.key, features.SPLIT_TRAIN)
    before = metric_value(evaluation.last_blessed, metric.key, features.SPLIT_EVAL)
    beside = [f"train {figure_text(train)}"] if train is not None else []
    if train is not None and measured is not None:
        beside.append(f"gap {signed_text(train - measured)}")
    if before is not None:
        beside.append(f"last blessed {figure_text(before)}")
    return Card(metric.label, figure_text(measured), metric.protocol, " · ".join(beside))


def _plots(content: ReportContent, nodules: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    evaluation = content.evaluation
    drawn = {"size": plots.dice_by_size(evaluation.metrics, evaluation.gate, nodules)}
    if any(nodule.dice is not None for nodule in content.nodules):
        drawn["diameter"] = plots.dice_against_diameter(content.eval_nodules)
    if content.history and content.history.epochs:
        drawn["loss"] = plots.loss_curve(content.history)
        drawn["dice"] = plots.dice_curve(content.history)
    return drawn
