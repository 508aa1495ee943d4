"""The report's page: one HTML file with everything inline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from report import plots
from report.content import ReportContent, sum_up_nodules
from report.evaluation import metric_value
from report.pictures import ZOOM_MM
from report.thresholds import AGAINST_BASELINE, ALL, GateRow, bucket_text, metric_label
from schema import features

TEMPLATE: Final = "page.html.j2"
UNDEFINED: Final = "–"
HEADLINES: Final = (
    ("pooled_dice", "Dice over all voxels of all eval slices taken together"),
    ("mean_slice_dice", "mean Dice of the eval slices that hold truth"),
)
TABLE_METRICS: Final = ("pooled_dice", "mean_slice_dice", "precision", "recall")


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
        figure=figure,
        gate_figure=gate_figure,
        signed=signed,
    )
    nodules = {split.split: split.nodules for split in content.data.splits}
    return environment.get_template(TEMPLATE).render(
        content=content,
        cards=cards(content),
        buckets=features.BUCKETS,
        size_rows=size_rows(content, nodules),
        plots=_plots(content, nodules),
        configuration=pretty(content.making.configuration),
        nodule_summary=sum_up_nodules(content.eval_nodules),
        zoom_mm=ZOOM_MM,
    )


def figure(value: float | None) -> str:
    """Three decimals."""
    return UNDEFINED if value is None else f"{value:.3f}"


def decimal(value: float | None, places: int = 2) -> str:
    """Some decimals."""
    return UNDEFINED if value is None else f"{value:.{places}f}"


def signed(value: float | None) -> str:
    """Three decimals with a sign; a margin that would round to zero keeps what tells it apart."""
    if value is None:
        return UNDEFINED
    text = f"{value:+.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:+.1g}"
    return text.replace("-", "−")


def count(value: int | None) -> str:
    """Thousands parted by a thin space."""
    return UNDEFINED if value is None else f"{value:,}".replace(",", "\u202f")


def gate_figure(value: float | None, row: GateRow) -> str:
    """A figure of the gate: signed where it is a change."""
    return signed(value) if row.kind == AGAINST_BASELINE else figure(value)


def pretty(configuration: str) -> str:
    """The configuration indented."""
    return json.dumps(json.loads(configuration), indent=2, ensure_ascii=False)


def cards(content: ReportContent) -> list[Card]:
    """The key figures."""
    summary = sum_up_nodules(content.eval_nodules)
    shown = [_metric_card(content, metric, protocol) for metric, protocol in HEADLINES]
    shown.append(
        Card(
            "nodule Dice, median",
            figure(summary.median_dice),
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
    """A line per size bucket: nodules and metrics of train and eval."""
    rows = []
    for bucket in (ALL, *features.BUCKETS):
        sides = {}
        for split in (features.SPLIT_TRAIN, features.SPLIT_EVAL):
            counts = nodules.get(split, {})
            sides[split] = {
                "nodules": sum(counts.values()) if bucket == ALL else counts.get(bucket, 0),
                **{
                    metric: metric_value(content.evaluation.metrics, metric, split, bucket)
                    for metric in TABLE_METRICS
                },
            }
        rows.append({"bucket": "all sizes" if bucket == ALL else bucket_text(bucket), **sides})
    return rows


def _metric_card(content: ReportContent, metric: str, protocol: str) -> Card:
    measured = metric_value(content.evaluation.metrics, metric, features.SPLIT_EVAL)
    train = metric_value(content.evaluation.metrics, metric, features.SPLIT_TRAIN)
    before = metric_value(content.evaluation.baseline, metric, features.SPLIT_EVAL)
    beside = [f"train {figure(train)}"] if train is not None else []
    if train is not None and measured is not None:
        beside.append(f"gap {signed(train - measured)}")
    if before is not None:
        beside.append(f"last blessed {figure(before)}")
    return Card(metric_label(metric), figure(measured), protocol, " · ".join(beside))


def _plots(content: ReportContent, nodules: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    evaluation = content.evaluation
    drawn = {"size": plots.dice_by_size(evaluation.metrics, evaluation.gate, nodules)}
    if any(nodule.dice is not None for nodule in content.nodules):
        drawn["diameter"] = plots.dice_against_diameter(content.eval_nodules)
    if content.history and content.history.epochs:
        drawn["loss"] = plots.loss_curve(content.history)
        drawn["dice"] = plots.dice_curve(content.history)
    return drawn
