"""Plots: what they say, read from the text of the SVG."""

import base64
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from lungct.scan import SIZE_BUCKETS
from report import plots
from report.history import Epoch, History
from report.nodules import NoduleResult
from report.plots import dice_against_diameter, dice_by_size, dice_curve, loss_curve
from schema.criteria import GateRow, Verdict
from schema.metrics import MetricRow
from tests.components.made_evaluation import at_least

HISTORY = History(
    epochs=(Epoch(1, 1.0, 0.2, 0.1, 2.0), Epoch(2, 0.5, 0.6, None, 2.0)),
    best_epoch=2,
    monitor_patients=("p",),
    parameters=1,
    precision="float32",
)


def texts(image: str) -> list[str]:
    head, _, body = image.partition("base64,")
    assert head == "data:image/svg+xml;"
    root = ElementTree.fromstring(base64.b64decode(body))
    return ["".join(node.itertext()).strip() for node in root.iter() if node.tag.endswith("}text")]


def bound(bucket: str, value: float) -> GateRow:
    return GateRow(at_least(value, bucket), 0.8, Verdict.PASS)


def result(diameter_mm: float, dice: float | None, phantom: bool = True) -> NoduleResult:
    return NoduleResult("a", "p", "eval", phantom, "1", diameter_mm, "3-6", dice, 7, 7, 4)


def test_curves_name_their_lines_and_the_best_epoch() -> None:
    assert {"loss", "epoch", "best epoch (2)"} <= set(texts(loss_curve(HISTORY)))
    assert {"train crops", "monitor patients", "best epoch (2)"} <= set(texts(dice_curve(HISTORY)))


def test_curve_shows_the_error_of_the_monitor_patients_where_it_is_known() -> None:
    known = replace(HISTORY.epochs[0], monitor_error=0.05)
    history = replace(HISTORY, epochs=(known, *HISTORY.epochs[1:]))

    assert "± 1 standard error" in texts(dice_curve(history))
    assert "± 1 standard error" not in texts(dice_curve(HISTORY))
    # All slices were measured: there is no error to show.
    exact = replace(HISTORY, epochs=(replace(known, monitor_error=0.0), *HISTORY.epochs[1:]))
    assert "± 1 standard error" not in texts(dice_curve(exact))


def test_curve_without_a_best_epoch_or_figures() -> None:
    history = History((Epoch(0, None, None, None, None),), None, (), None, "")

    assert "train" not in texts(loss_curve(history))


def test_dice_by_size_shows_figures_numbers_and_bounds() -> None:
    metrics = (
        MetricRow("train", "15+", "pooled_dice", 0.91),
        MetricRow("eval", "15+", "pooled_dice", 0.87),
        MetricRow("eval", "6-8", "pooled_dice", None),
    )
    nodules = {"train": {"15+": 12}, "eval": {"15+": 5}}

    shown = texts(dice_by_size(metrics, [bound("15+", 0.75), bound("all", 0.69)], nodules))

    assert {"0.91", "0.87", "15+ mm", "3–6 mm", "n = 12 | 5", "n = 0 | 0"} <= set(shown)
    assert shown.count("–") == 6  # undefined or not measured
    assert {"bound of the gate", "bound, all sizes (0.69)"} <= set(shown)


def test_dice_by_size_without_bounds() -> None:
    assert not any("bound" in text for text in texts(dice_by_size((), [], {})))


def test_dice_against_diameter_tells_phantoms_from_patients() -> None:
    nodules = [result(4.2, 0.5), result(9.0, 0.8), result(20.0, 0.9, phantom=False)]

    shown = texts(dice_against_diameter([*nodules, result(3.0, None)]))

    assert {"phantom (n = 2)", "patient (n = 1)"} <= set(shown)


def test_dotted_lines_are_the_borders_of_the_size_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    def grey_lines() -> int:
        image = dice_against_diameter([result(4.2, 0.5)]).partition("base64,")[2]
        return base64.b64decode(image).decode().count("stroke: #98a2b3")

    found = grey_lines()
    monkeypatch.setattr(plots, "SIZE_BUCKETS", SIZE_BUCKETS[:2])
    assert found - grey_lines() == 2  # all but the first of 6, 8 and 15 mm


def test_same_plot_same_bytes() -> None:
    assert loss_curve(HISTORY) == loss_curve(HISTORY)
