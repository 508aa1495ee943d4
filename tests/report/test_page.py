"""Figures as the page writes them, and the rows and cards that it shows."""

import pytest

from report.content import Making, ReportContent
from report.evaluation import Evaluation
from report.nodules import NoduleResult
from report.page import cards, count, decimal, pretty, render, sentence, size_rows, two_lines
from report.scans import sum_up
from schema.metrics import MetricRow, figure_text, signed_text
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


def result(dice: float | None, overlap: int, split: str = "eval") -> NoduleResult:
    return NoduleResult("a", "p", split, True, "1", 5.0, "3-6", dice, 7, 7, overlap)


def content(
    metrics: tuple[MetricRow, ...],
    last_blessed: tuple[MetricRow, ...] = (),
    nodules: tuple[NoduleResult, ...] = (),
) -> ReportContent:
    return ReportContent(
        name="run",
        blessed=True,
        data=sum_up((), ()),
        evaluation=Evaluation(metrics, last_blessed, ()),
        nodules=nodules,
        pictures=(),
        history=None,
        making=Making('{"grid": "<b>"}', "c0ffee", 0.5, "2026-01-01T00:00:00+00:00"),
    )


def test_a_card_has_the_train_split_the_gap_and_the_last_blessed_model_beside_it() -> None:
    metrics = (
        MetricRow("eval", "all", "pooled_dice", 0.75),
        MetricRow("train", "all", "pooled_dice", 0.875),
    )
    before = (MetricRow("eval", "all", "pooled_dice", 0.5),)
    card = cards(content(metrics, before))[0]
    assert (card.title, card.value) == ("pooled Dice", "0.750")
    assert card.beside == "train 0.875 · gap +0.125 · last blessed 0.500"


def test_a_card_without_anything_measured_has_nothing_beside_it() -> None:
    assert (cards(content(()))[0].value, cards(content(()))[0].beside) == ("–", "")


def test_the_cards_of_nodules_count_those_of_eval_alone() -> None:
    nodules = (result(0.25, 1), result(0.75, 3), result(0.0, 0), result(0.9, 5, split="train"))
    *_, median, touched = cards(content((), nodules=nodules))
    assert (median.value, median.beside) == ("0.250", "3 of 3 nodules measured")
    assert touched.value == "2 of 3"


def test_a_row_for_each_size_but_none_for_slices_without_nodule() -> None:
    metrics = (
        MetricRow("eval", "15+", "recall", 0.5),
        MetricRow("train", "none", "pooled_dice", 0.0),
    )
    counts = {"train": {"3-6": 4, "15+": 1}, "eval": {"15+": 2}}
    rows = size_rows(content(metrics), counts)
    names = ["all sizes", "3–6 mm", "6–8 mm", "8–15 mm", "15+ mm"]
    assert [row["bucket"] for row in rows] == names
    assert [row["train"]["nodules"] for row in rows] == [5, 4, 0, 0, 1]
    assert [row["eval"]["nodules"] for row in rows] == [2, 0, 0, 0, 2]
    assert [row["eval"]["recall"] for row in rows] == [None, None, None, None, 0.5]


def test_several_data_roots_have_rows_without_a_count() -> None:
    one = MetricRow("eval", "source=crops", "pooled_dice", 0.5)
    two = MetricRow("eval", "source=luna16", "pooled_dice", 0.75)
    rows = size_rows(content((one, two)), {"eval": {"3-6": 1}})
    assert [row["bucket"] for row in rows[-2:]] == ["data root crops", "data root luna16"]
    assert [row["eval"]["nodules"] for row in rows[-2:]] == [None, None]
    assert [row["eval"]["pooled_dice"] for row in rows[-2:]] == [0.5, 0.75]
    assert len(size_rows(content((one,)), {})) == len(rows) - 2


def test_the_page_of_a_run_without_scans_is_whole_and_escaped() -> None:
    page = render(content(()))
    assert page.rstrip().endswith("</html>")
    assert "&lt;b&gt;" in page and '"<b>"' not in page
