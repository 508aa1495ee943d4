"""Figures and counts in words."""

import pytest

from report.words import (
    count,
    counted,
    decimal,
    figure_with_interval,
    interval_text,
    minus,
    ratio,
    sentence,
    truth_text,
    two_lines,
)
from schema.metrics import MetricRow, figure_text


def test_numbers() -> None:
    assert (decimal(2.5), decimal(2.54, 1), decimal(None)) == ("2.50", "2.5", "–")
    assert (count(1234567), count(12.0), count(None)) == ("1\u202f234\u202f567", "12", "–")
    assert (counted(1, "scan"), counted(0, "scan")) == ("1 scan", "0 scans")
    assert minus(-1000) == "−1000"


def test_texts() -> None:
    assert (sentence("pooled Dice"), sentence("")) == ("Pooled Dice", "")
    assert two_lines("mean slice Dice") == ["mean slice", "Dice"]
    assert two_lines("recall") == ["recall"]
    assert truth_text("spheres") == "spheres of the annotated diameters"
    assert truth_text("label masks") == "label masks"


@pytest.mark.parametrize(
    ("row", "signed", "text"),
    [
        (MetricRow("eval", "all", "m", 0.5, 0.25, 0.75), False, "0.500 (0.250 to 0.750)"),
        (MetricRow("eval", "all", "m", 0.5, -0.25, 0.75), True, "+0.500 (−0.250 to +0.750)"),
        (MetricRow("eval", "all", "m", 0.5, None, 0.75), False, "0.500"),
        (MetricRow("eval", "all", "m", None), False, "–"),
        (None, False, "–"),
    ],
)
def test_figure_with_interval(row: MetricRow | None, signed: bool, text: str) -> None:
    assert figure_with_interval(row, signed) == text


def test_no_interval() -> None:
    assert interval_text(None) == ""


def test_small_ratios_are_not_zero() -> None:
    assert [ratio(value) for value in (1.5, 0.1, 0.0012)] == ["1.50", "0.10", "0.0012"]
    assert ratio(None) == figure_text(None)
