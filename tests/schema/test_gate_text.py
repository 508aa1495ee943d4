"""A criterion on a bound of an interval shows the figure and the bound."""

import pytest

from schema.gate import GateRow, MeasuredRows, Verdict
from schema.gate_text import bound_text, measured_text, value_text
from schema.metrics import MetricRow, On
from tests.components.made_evaluation import at_least, change_of_at_least

FIGURES = MeasuredRows(
    [MetricRow("eval", "all", "pooled_dice", 0.75, 0.5, 0.875)],
    [MetricRow("eval", "all", "pooled_dice", 0.25, -0.125, 0.5)],
)


@pytest.mark.parametrize(
    ("on", "measured", "text"),
    [
        (On.VALUE, 0.75, "0.750"),
        (On.LOWER, 0.5, "0.750 (lower bound 0.500)"),
        (On.UPPER, 0.875, "0.750 (upper bound 0.875)"),
        # Too few patients for an interval.
        (On.LOWER, None, "0.750"),
    ],
)
def test_figure_and_bound(on: On, measured: float | None, text: str) -> None:
    assert measured_text(GateRow(at_least(0.5, on=on), measured, Verdict.PASS), FIGURES) == text


def test_changes_have_a_sign() -> None:
    row = GateRow(change_of_at_least(-0.2, on=On.LOWER), -0.125, Verdict.PASS)
    assert measured_text(row, FIGURES) == "+0.250 (lower bound −0.125)"
    assert (value_text(row, FIGURES), bound_text(row)) == ("+0.250", "lower bound −0.125")


def test_a_slice_that_is_not_there() -> None:
    row = GateRow(at_least(0.5, "15+", on=On.LOWER), None, Verdict.FAIL, "no such slice")
    assert measured_text(row, FIGURES) == "–"


def test_the_figure_beside_a_bound_is_that_of_the_criterions_data_root() -> None:
    rows = [*FIGURES.values, MetricRow("eval", "all", "pooled_dice", 0.25, 0.125, 0.5, "theirs")]
    one = at_least(0.5, on=On.LOWER, source="theirs")
    text = measured_text(GateRow(one, 0.125, Verdict.FAIL), MeasuredRows(rows))
    assert text == "0.250 (lower bound 0.125)"
