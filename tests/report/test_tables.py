"""The cards and tables of the page."""

from dataclasses import replace

import pytest

from report import tables
from report.scans import SourceFacts
from report.tables import Cell
from schema.gate import Verdict, judge
from schema.metrics import POOLED_DICE, MetricRow, On
from tests.components.made_evaluation import at_least, change_of_at_least
from tests.report.facts import content, evaluation, nodule

ROWS = (
    MetricRow("train", "all", "pooled_dice", 0.875, 0.75, 0.9),
    MetricRow("eval", "all", "pooled_dice", 0.75, 0.5, 0.8),
    MetricRow("eval", "all", "patients", 1.0),
    MetricRow("eval", "all", "nodules", 12.0),
)


def test_a_card_has_interval_counts_train_gap_and_change_beside_it() -> None:
    measured = evaluation(
        *ROWS,
        gaps=(MetricRow("eval", "all", "pooled_dice", 0.125, -0.05, 0.25),),
        changes=(MetricRow("eval", "all", "pooled_dice", -0.25),),
    )

    card = tables.cards(content(evaluation=measured))[0]

    assert (card.title, card.value, card.interval) == ("pooled Dice", "0.750", "0.500 to 0.800")
    assert card.protocol == POOLED_DICE.protocol
    assert card.beside == (
        "n = 1 patient, 12 nodules",
        "train split 0.875 (0.750 to 0.900)",
        "gap to train +0.125 (−0.050 to +0.250)",
        "against the last blessed −0.250",
    )


def test_a_card_without_anything_measured_has_nothing_beside_it() -> None:
    card = tables.cards(content())[0]
    assert (card.value, card.interval, card.beside) == ("–", "", ())


def test_the_cards_of_nodules_count_those_of_eval_alone() -> None:
    nodules = (
        nodule(1, dice=0.25),
        nodule(2, dice=0.75),
        nodule(3, dice=0.0, touched=False),
        nodule(4, dice=0.9, split="train"),
    )
    *_, median, touched = tables.cards(content(nodules=nodules))
    assert (median.value, median.beside) == ("0.250", ("n = 3 of 3 nodules",))
    assert touched.value == "2 of 3"


def test_each_criterion_has_the_interval_of_its_figure() -> None:
    one = evaluation(*ROWS, changes=(MetricRow("eval", "all", "pooled_dice", -0.25, -0.5, 0.0),))
    criteria = (
        *(at_least(0.5), change_of_at_least(-0.02), at_least(0.5, "15+")),
        *(at_least(0.5, on=On.LOWER), at_least(0.5, "15+", on=On.LOWER)),
    )

    found = tables.gate_lines(replace(one, gate=judge(criteria, one.measured)))

    assert [(line.value, line.bound, line.interval) for line in found] == [
        ("0.750", "", "0.500 to 0.800"),
        ("−0.250", "", "−0.500 to +0.000"),
        ("–", "", ""),
        ("0.750", "lower bound 0.500", "0.500 to 0.800"),
        ("–", "", ""),
    ]
    assert [line.row.verdict for line in found[:3]] == [Verdict.PASS, Verdict.FAIL, Verdict.FAIL]


def test_a_row_for_each_size_with_the_patients_that_have_such_nodules() -> None:
    rows = (
        *ROWS,
        MetricRow("eval", "15+", "pooled_dice", 0.5, 0.25, 0.75),
        MetricRow("eval", "15+", "patients", 1.0),
        MetricRow("eval", "15+", "nodules", 2.0),
        MetricRow("eval", "3-6", "patients", 1.0),
    )
    nodules = (nodule(1, bucket="15+"), nodule(2, bucket="15+"), nodule(3, split="train"))

    found = tables.size_rows(content(*rows, nodules=nodules), "eval", [POOLED_DICE])

    assert [row.name for row in found] == [
        *("all sizes", "3–6 mm", "6–8 mm", "8–15 mm", "15+ mm"),
    ]
    assert [row.counts for row in found] == [
        *(("1", "12"), ("0", "–"), ("0", "–"), ("0", "–"), ("1", "2")),
    ]
    assert found[0].cells == (Cell("0.750", "0.500 to 0.800"),)
    assert found[1].cells == (Cell("–", ""),)
    assert [row.is_total for row in found] == [True, False, False, False, False]


def test_a_row_for_each_data_root_and_split_with_figures() -> None:
    one = content(MetricRow("eval", "all", "pooled_dice", 0.5, source="luna16"))
    sources = (SourceFacts("crops", "eval", 1, 2, 3), SourceFacts("luna16", "eval", 4, 5, 6))

    (row,) = tables.source_rows(replace(one, data=replace(one.data, sources=sources)))

    assert (row.name, row.counts) == ("luna16", ("eval", "4", "5", "6"))
    assert row.cells[0].value == "0.500"


def test_figures_without_a_card() -> None:
    rows = (*ROWS, MetricRow("eval", "all", "iou", 0.5), MetricRow("train", "all", "recall", 0.5))
    assert [metric.key for metric, _ in tables.further_rows(rows)] == ["iou"]


def test_changes_against_the_last_blessed_model() -> None:
    measured = evaluation(
        *ROWS,
        MetricRow("eval", "all", "hausdorff_mm", 1.5),
        last_blessed=(MetricRow("eval", "all", "pooled_dice", 1.0),),
        changes=(
            MetricRow("eval", "all", "pooled_dice", -0.25, -0.5, 0.125),
            MetricRow("eval", "all", "hausdorff_mm", 0.5),
        ),
    )

    dice, distance = tables.change_rows(measured)

    assert (dice.label, dice.before, dice.now) == ("pooled Dice", "1.000", "0.750")
    assert (dice.change, dice.interval) == ("−0.250", "−0.500 to +0.125")
    assert (distance.label, distance.before) == ("Hausdorff distance (mm)", "–")
    assert tables.change_rows(evaluation(*ROWS)) == []


def test_nodules_that_changed_most() -> None:
    before = [0.5, 0.9, 0.1, None, 0.5]
    nodules = [nodule(n, dice=0.5, dice_before=one) for n, one in enumerate(before)]

    found = tables.changed_nodules(nodules)

    assert [one.change for one in found] == [pytest.approx(-0.4), pytest.approx(0.4)]
    many = [nodule(n, dice=0.5, dice_before=n / 100) for n in range(50)]
    assert [one.nodule_id for one in tables.changed_nodules(many)] == ["0", "1", "2", "3", "4"]
