"""Plots of the Evaluator's figures."""

import re

from report.detection import FrocCurve
from report.plots.figures import by_size, froc
from schema.gate import GateRow, Verdict
from schema.metrics import POOLED_DICE, MetricRow, On
from tests.components.made_evaluation import at_least, at_most, change_of_at_least

ROWS = (
    MetricRow("train", "3-6", "pooled_dice", 0.75),
    MetricRow("eval", "3-6", "pooled_dice", 0.5, 0.25, 0.625),
    MetricRow("train", "3-6", "nodules", 12.0),
    MetricRow("eval", "3-6", "nodules", 3.0),
)


def test_bars_with_values_intervals_and_counts() -> None:
    text = by_size(POOLED_DICE, ROWS)

    assert text.count('class="bar train"') == text.count('class="bar eval"') == 1
    assert "<title>eval split: 0.500 (0.250 to 0.625)</title>" in text
    assert "<title>train split: 0.750</title>" in text
    assert text.count('class="whisker"') == 1
    assert ">n = 12 | 3</text>" in text and ">n = 0 | 0</text>" in text
    # Four sizes of two splits, of which six were not measured.
    assert text.count(">–</text>") == 6
    assert "bound of the gate" not in text


def test_value_stands_above_its_interval() -> None:
    text = by_size(POOLED_DICE, ROWS)
    place = re.search(r'y="(\S+)">0.50</text>', text)
    # 0.625 of 1.06 is 161.6 of 274 above the axis at 284; the text stands 6 above it.
    assert place and place[1] == "116.4"


def test_bounds_of_the_gate_on_what_is_drawn() -> None:
    criteria = (
        at_least(0.5, "3-6"),
        at_least(0.25, "15+", on=On.LOWER),
        at_least(0.7),
        at_most(0.9, "3-6"),
        at_least(0.5, "3-6", metric="recall"),
        at_least(0.9, "6-8", on=On.UPPER),
        change_of_at_least(-0.02, "3-6"),
    )

    text = by_size(POOLED_DICE, ROWS, [GateRow(one, 0.5, Verdict.PASS) for one in criteria])

    assert text.count('class="line bound"') == 2
    assert "bound of the gate" in text


def test_froc_curve_from_the_first_rate_to_the_last() -> None:
    points = ((0.0, 0.0), (0.0, 0.25), (0.05, 0.5), (1.0, 0.75), (100.0, 0.75))
    rows = (
        MetricRow("eval", "all", "sensitivity_at_0.125", 0.5, 0.25, 0.75),
        MetricRow("eval", "all", "sensitivity_at_1", None),
    )

    text = froc([FrocCurve("all", 4, points), FrocCurve("15+", 2, points)], rows)

    (line,) = re.findall(r'<polyline class="line curve all" points="(.*?)"', text)
    # From 1/16 to 16 false positives per scan; 1 is in the middle.
    assert [place.split(",")[0] for place in line.split()] == ["56.0", "301.0", "546.0"]
    assert line.split()[1].split(",")[1] == line.split()[2].split(",")[1]
    assert "<title>1/8 per scan: 0.500 (0.250 to 0.750)</title>" in text
    assert text.count('class="dot eval"') == 1
    assert "all sizes (n = 4)" in text and "15+ mm (n = 2)" in text
    assert 'class="line curve size3"' in text
    # That of all sizes is drawn first, so that the others are seen upon it.
    assert text.index('"line curve all"') < text.index('"line curve size3"')


def test_curves_that_coincide_are_said_to() -> None:
    low, high = ((0.0, 0.25), (1.0, 0.5)), ((0.0, 0.5), (1.0, 0.75))
    curves = [
        FrocCurve(bucket, 2, points)
        for bucket, points in (("all", low), ("3-6", high), ("6-8", low), ("8-15", high))
    ]

    text = froc(curves, ())

    legend = re.findall(r"</span>(.*?)</li>", text)
    assert legend == [
        "all sizes (n = 2)",
        "3–6 mm (n = 2)",
        "6–8 mm (n = 2), the same curve as all sizes",
        "8–15 mm (n = 2), the same curve as 3–6 mm",
    ]


def test_froc_of_a_model_without_false_positives() -> None:
    text = froc([FrocCurve("all", 1, ((0.0, 0.0), (0.0, 1.0)))], ())

    (line,) = re.findall(r'<polyline class="line curve all" points="(.*?)"', text)
    assert [place.split(",")[0] for place in line.split()] == ["56.0", "546.0"]
    assert len({place.split(",")[1] for place in line.split()}) == 1
