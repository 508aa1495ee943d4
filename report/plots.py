"""The report's plots as SVG in data URIs, each about 390 pixels wide as drawn."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lungct.scan import SIZE_BUCKETS
from report.history import Epoch, History
from report.nodules import NoduleResult
from schema import features
from schema.criteria import Comparison, GateRow, Kind
from schema.metrics import POOLED_DICE, MetricRow, metric_value
from schema.slice_keys import ALL, bucket_text

SIZE_INCHES: Final = (5.4, 3.3)
TRAIN_COLOUR: Final = "#98a2b3"
EVAL_COLOUR: Final = "#0b6e99"
BOUND_COLOUR: Final = "#b42318"
BEST_COLOUR: Final = "#475467"

STYLE: Final = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "noduleflow",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#98a2b3",
    "axes.labelcolor": "#475467",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eaecf0",
    "xtick.color": "#475467",
    "ytick.color": "#475467",
    "legend.frameon": False,
}


def loss_curve(history: History) -> str:
    """Loss of the training patients by epoch."""
    figure, axes = _figure()
    _line(axes, history.epochs, [epoch.loss for epoch in history.epochs], TRAIN_COLOUR, "train")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    _epoch_axis(axes, history)
    return _svg(figure)


def dice_curve(history: History) -> str:
    """Dice by epoch, of training crops and of the monitor patients."""
    figure, axes = _figure()
    epochs = history.epochs
    _line(axes, epochs, [epoch.dice for epoch in epochs], TRAIN_COLOUR, "train crops")
    _line(axes, epochs, [epoch.monitor_dice for epoch in epochs], EVAL_COLOUR, "monitor patients")
    _band(axes, epochs)
    axes.set_ylabel("Dice")
    axes.set_ylim(0, 1)
    _epoch_axis(axes, history)
    return _svg(figure)


def dice_by_size(
    metrics: tuple[MetricRow, ...],
    gate: Sequence[GateRow],
    nodules: Mapping[str, Mapping[str, int]],
) -> str:
    """Pooled Dice of train and eval by size bucket, with the gate's bounds as marks.

    Args:
        metrics: Rows of the candidate.
        gate: Criteria; the absolute lower bounds on eval's pooled Dice are drawn.
        nodules: Number of nodules by split and bucket.
    """
    figure, axes = _figure()
    width = 0.38
    for shift, split, colour in (
        (-width / 2, features.SPLIT_TRAIN, TRAIN_COLOUR),
        (width / 2, features.SPLIT_EVAL, EVAL_COLOUR),
    ):
        for place, bucket in enumerate(features.BUCKETS):
            value = metric_value(metrics, POOLED_DICE.key, split, bucket)
            axes.bar(place + shift, value or 0.0, width - 0.03, color=colour)
            text = "–" if value is None else f"{value:.2f}"
            axes.text(place + shift, (value or 0.0) + 0.015, text, ha="center", fontsize=9)
        axes.bar(0, 0, width, color=colour, label=split)
    _bounds(axes, gate, width)
    axes.set_xticks(range(len(features.BUCKETS)), _bucket_labels(nodules))
    axes.set_ylabel(POOLED_DICE.label)
    axes.set_ylim(0, 1.08)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.grid(axis="x", visible=False)
    _legend(axes)
    return _svg(figure)


def dice_against_diameter(nodules: Sequence[NoduleResult]) -> str:
    """Nodule Dice of every judged nodule against its diameter."""
    figure, axes = _figure()
    known = [nodule for nodule in nodules if nodule.dice is not None]
    for phantom, marker, label in ((True, "o", "phantom"), (False, "D", "patient")):
        some = [nodule for nodule in known if nodule.phantom is phantom]
        if some:
            axes.scatter(
                [nodule.diameter_mm for nodule in some],
                [nodule.dice for nodule in some],
                s=26,
                marker=marker,
                facecolors=f"{EVAL_COLOUR}99" if phantom else "#dc6803",
                edgecolors="white",
                linewidths=0.5,
                label=f"{label} (n = {len(some)})",
            )
    for border_mm, _ in SIZE_BUCKETS[1:]:
        axes.axvline(border_mm, color="#98a2b3", linewidth=0.8, linestyle=(0, (2, 3)))
    axes.set_xlabel("annotated diameter (mm); dotted: borders of the size buckets")
    axes.set_ylabel("nodule Dice (3-D, in a box)")
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlim(left=0)
    _legend(axes)
    return _svg(figure)


def _figure() -> tuple[Any, Any]:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        return figure, figure.add_subplot()


def _line(
    axes: Any, epochs: Sequence[Epoch], values: Sequence[float | None], colour: str, label: str
) -> None:
    known = [(e.epoch, v) for e, v in zip(epochs, values, strict=True) if v is not None]
    if known:
        marker = "o" if len(known) < 40 else ""
        x, y = zip(*known, strict=True)
        axes.plot(x, y, marker=marker, markersize=3, linewidth=1.8, color=colour, label=label)


def _band(axes: Any, epochs: Sequence[Epoch]) -> None:
    """One standard error on both sides of the monitor patients' Dice, where there is one."""
    known = [
        (
            epoch.epoch,
            epoch.monitor_dice - epoch.monitor_error,
            epoch.monitor_dice + epoch.monitor_error,
        )
        for epoch in epochs
        if epoch.monitor_dice is not None and epoch.monitor_error is not None
    ]
    if any(low < high for _, low, high in known):
        colour = f"{EVAL_COLOUR}33"
        axes.fill_between(*zip(*known, strict=True), color=colour, lw=0, label="± 1 standard error")


def _epoch_axis(axes: Any, history: History) -> None:
    if history.best_epoch is not None:
        axes.axvline(
            history.best_epoch,
            color=BEST_COLOUR,
            linestyle="--",
            linewidth=1,
            label=f"best epoch ({history.best_epoch})",
        )
    axes.set_xlabel("epoch")
    axes.set_xlim(left=history.epochs[0].epoch - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes, columns=3)  # four of these labels are wider than the plot


def _bounds(axes: Any, gate: Sequence[GateRow], width: float) -> None:
    """A short thick mark over eval's bar for each bucket that has a bound."""
    label: str | None = "bound of the gate"
    drawn = (POOLED_DICE.key, features.SPLIT_EVAL, Kind.VALUE, Comparison.AT_LEAST)
    for one in (row.criterion for row in gate):
        if (one.metric, one.split, one.kind, one.comparison) != drawn:
            continue
        if one.bucket == ALL:
            label_all = f"bound, all sizes ({one.bound:g})"
            axes.axhline(one.bound, color=BOUND_COLOUR, lw=1, ls=(0, (1, 2)), label=label_all)
        elif one.bucket in features.BUCKETS:
            place = features.BUCKETS.index(one.bucket)
            axes.hlines(one.bound, place, place + width, color=BOUND_COLOUR, lw=2.5, label=label)
            label = None


def _bucket_labels(nodules: Mapping[str, Mapping[str, int]]) -> list[str]:
    labels = []
    for bucket in features.BUCKETS:
        train, evaluated = (
            nodules.get(split, {}).get(bucket, 0)
            for split in (features.SPLIT_TRAIN, features.SPLIT_EVAL)
        )
        labels.append(f"{bucket_text(bucket)}\nn = {train} | {evaluated}")
    return labels


def _legend(axes: Any, columns: int = 4) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        # Bars come last in matplotlib's order; what a plot is about comes first in ours.
        order = sorted(range(len(labels)), key=lambda place: "bound" in labels[place])
        axes.legend(
            [handles[place] for place in order],
            [labels[place] for place in order],
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=min(columns, len(handles)),
            fontsize=9,
            frameon=False,
            borderaxespad=0.2,
            handlelength=1.4,
            columnspacing=1.2,
        )


def _svg(figure: Any) -> str:
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
