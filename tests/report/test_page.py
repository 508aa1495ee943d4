"""Figures as the page writes them."""

import pytest

from report.page import count, decimal, figure, gate_figure, pretty, signed
from report.thresholds import ABSOLUTE, AGAINST_BASELINE, AT_LEAST, PASS, GateRow


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.25, "+0.250"), (-0.0104, "−0.010"), (0.0, "+0.000"), (-0.00004, "−4e−05")],
)
def test_signed(value: float | None, text: str) -> None:
    assert signed(value) == text


def test_figures() -> None:
    assert (figure(0.81249), figure(None)) == ("0.812", "–")
    assert (decimal(2.5), decimal(2.54, 1), decimal(None)) == ("2.50", "2.5", "–")
    assert (count(1234567), count(None)) == ("1\u202f234\u202f567", "–")


@pytest.mark.parametrize(("kind", "text"), [(ABSOLUTE, "0.020"), (AGAINST_BASELINE, "+0.020")])
def test_changes_carry_a_sign(kind: str, text: str) -> None:
    row = GateRow("", "eval", "all", "pooled_dice", 0.02, 0.0, AT_LEAST, kind, PASS, 0.02)

    assert gate_figure(row.measured, row) == text


def test_configuration_is_indented() -> None:
    assert pretty('{"a": {"b": "µ"}}') == '{\n  "a": {\n    "b": "µ"\n  }\n}'
