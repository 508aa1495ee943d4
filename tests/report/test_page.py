"""Words and figures as the page writes them."""

from report.page import count, decimal, pretty, sentence, two_lines


def test_figures() -> None:
    assert (decimal(2.5), decimal(2.54, 1), decimal(None)) == ("2.50", "2.5", "–")
    assert (count(1234567), count(None)) == ("1\u202f234\u202f567", "–")


def test_labels() -> None:
    assert sentence("pooled Dice") == "Pooled Dice"
    assert two_lines("mean slice Dice") == ["mean slice", "Dice"]
    assert two_lines("Dice") == ["Dice"]


def test_configuration_is_indented() -> None:
    assert pretty('{"a": {"b": "µ"}}') == '{\n  "a": {\n    "b": "µ"\n  }\n}'
