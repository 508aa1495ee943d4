"""Plots of training: loss and Dice by epoch."""

from collections.abc import Sequence

from markupsafe import Markup

from report.history import Epoch, History
from report.plots import svg
from report.plots.svg import Axis, Frame


def loss_curve(history: History) -> Markup:
    """Loss of the training patients by epoch."""
    known = [epoch.loss for epoch in history.epochs if epoch.loss is not None]
    highest = max(known, default=1.0) or 1.0
    frame = Frame(_epoch_axis(history), svg.linear_axis("loss", 0.0, highest * 1.05))
    points = _points(history.epochs, [epoch.loss for epoch in history.epochs])
    entries = [("train", "train crops"), *_best_entry(history)]
    return svg.legend(entries) + svg.drawing(
        frame, "training loss by epoch", *_best(frame, history), svg.line(frame, points, "train")
    )


def dice_curve(history: History) -> Markup:
    """Dice by epoch, of training crops and of the monitor patients with their standard error."""
    frame = Frame(_epoch_axis(history), svg.linear_axis("Dice", 0.0, 1.0))
    epochs = history.epochs
    band = [
        (e.epoch, e.monitor_dice - e.monitor_error, e.monitor_dice + e.monitor_error)
        for e in epochs
        if e.monitor_dice is not None and e.monitor_error is not None
    ]
    is_spread = any(low < high for _, low, high in band)
    parts = [
        *_best(frame, history),
        *([svg.area(frame, band, "eval")] if is_spread else []),
        svg.line(frame, _points(epochs, [epoch.dice for epoch in epochs]), "train"),
        svg.line(frame, _points(epochs, [epoch.monitor_dice for epoch in epochs]), "eval"),
    ]
    entries = [("train", "train crops"), ("eval", "monitor patients")]
    if is_spread:
        entries.append(("area eval", "± 1 standard error"))
    entries += _best_entry(history)
    return svg.legend(entries) + svg.drawing(frame, "Dice by epoch", *parts)


def _epoch_axis(history: History) -> Axis:
    first, last = history.epochs[0].epoch, history.epochs[-1].epoch
    ticks = svg.linear_axis("epoch", first, max(last, first + 1)).ticks
    whole = tuple((value, text) for value, text in ticks if value == int(value))
    return Axis("epoch", first - 0.5, last + 0.5, whole)


def _points(epochs: Sequence[Epoch], values: Sequence[float | None]) -> list[tuple[float, float]]:
    return [
        (float(epoch.epoch), value)
        for epoch, value in zip(epochs, values, strict=True)
        if value is not None
    ]


def _best(frame: Frame, history: History) -> list[Markup]:
    return [] if history.kept_epoch is None else [svg.upright(frame, history.kept_epoch, "best")]


def _best_entry(history: History) -> list[tuple[str, str]]:
    if history.kept_epoch is None:
        return []
    return [("best", f"epoch kept ({history.kept_epoch})")]
