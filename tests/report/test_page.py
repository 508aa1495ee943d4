"""Figures as the page writes them."""

import pytest

from report.page import count, decimal, pretty, sentence, two_lines
from schema.metrics import figure_text, signed_text
from tests.components.made_evaluation import at_least, change_of_at_least


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.25, "+0.250"), (-0.0104, "−0.010"), (0.0, "+0.000"), (-0.00004, "−4e−05")],
)
def test_signed(value: float | None, text: str) -> None:
    assert signed_text(value) == text


def test_figures() -> None:
    assert (figure_text(0.81249), figure_text(None)) == ("0.812", "–")
    assert (decimal(2.5), decimal(2.54, 1), decimal(None)) == ("2.50", "2.5", "–")
    assert (count(1234567), count(None)) == ("1\u202f234\u202f567", "–")


def test_changes_carry_a_sign() -> None:
    assert at_least(0.0).figure_text(0.02) == "0.020"
    assert change_of_at_least(0.0).figure_text(0.02) == "+0.020"


def test_headings() -> None:
    assert (sentence("pooled Dice"), sentence("")) == ("Pooled Dice", "")
    assert two_lines("mean slice Dice") == ["mean slice", "Dice"]
    assert two_lines("recall") == ["recall"]


def test_configuration_is_indented() -> None:
    assert pretty('{"a": {"b": "µ"}}') == '{\n  "a": {\n    "b": "µ"\n  }\n}'
