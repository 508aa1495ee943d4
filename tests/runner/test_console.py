"""What a person sees, and that libraries are kept out of it."""

import io
import re
from typing import Any

from rich.console import Console

from lungct import progress
from runner.console import RunConsole, dice_table, gate_table, listening
from schema.criteria import Comparison, Criterion, Kind
from schema.gate import GateRow, MeasuredRows, Verdict
from schema.metrics import TABLE_METRICS, MetricRow

NOTHING = MeasuredRows([])


def rendered(renderable: Any) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=200).print(renderable)
    return [line.strip() for line in stream.getvalue().splitlines()]


def test_dice_by_bucket_from_all_over_small_to_large_to_none() -> None:
    rows = [
        MetricRow("eval", "none", "precision", 0.0),
        MetricRow("train", "15+", "pooled_dice", 0.95),
        MetricRow("eval", "15+", "pooled_dice", 0.9),
        MetricRow("eval", "all", "pooled_dice", 0.81234),
        MetricRow("eval", "3-6", "mean_slice_dice", 0.4),
        MetricRow("eval", "6-8", "mean_slice_dice", None),
    ]
    headings, *lines = rendered(dice_table(rows, ["train", "eval"]))
    assert [line.split()[:2] for line in lines] == [
        ["train", "15+"],
        ["eval", "all"],
        ["eval", "3-6"],
        ["eval", "15+"],
        ["eval", "no"],
    ]
    assert "0.812" in lines[1]
    assert all(metric.label in headings for metric in TABLE_METRICS)


def test_dice_by_data_root_where_there_are_several() -> None:
    rows = [
        MetricRow("eval", "all", "pooled_dice", 0.8),
        MetricRow("eval", "all", "pooled_dice", 0.4, source="crops"),
        MetricRow("eval", "all", "pooled_dice", 0.9, source="a"),
        MetricRow("eval", "3-6", "pooled_dice", 0.3, source="crops"),
    ]
    _, *lines = rendered(dice_table(rows, ["eval"]))
    assert [re.split(r"  +", line)[:3] for line in lines] == [
        ["eval", "all slices", "0.800"],
        ["eval", "data root a", "0.900"],
        ["eval", "data root crops", "0.400"],
    ]


def test_the_gate_shows_what_was_measured_and_asked() -> None:
    lower = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.75)
    upper = Criterion("recall", "eval", "3-6", Comparison.AT_MOST, 0.5)
    change = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, -0.02, Kind.CHANGE)
    gate = [
        GateRow(lower, 0.8, Verdict.PASS),
        GateRow(upper, 0.75, Verdict.FAIL),
        GateRow(change, -0.5, Verdict.FAIL),
    ]
    text = "\n".join(rendered(gate_table(gate, NOTHING)))
    assert re.search(r"0\.800 +0\.750 +\+0\.050 +pass", text)
    assert re.search(r"nodules 3–6 mm ≤ 0\.5 +0\.750 +0\.500 +−0\.250 +fail", text)
    assert re.search(r"−0\.500 +−0\.020 +−0\.480 +fail", text)


def test_the_gate_shows_what_could_not_be_judged() -> None:
    missing = Criterion("pooled_dice", "eval", "3-6", Comparison.AT_LEAST, 0.5)
    lines = rendered(gate_table([GateRow(missing, None, Verdict.FAIL, "no such slice")], NOTHING))
    assert lines[1].split()[-4:] == ["–", "0.500", "–", "fail"]


def test_components_and_progress_without_a_terminal(monkeypatch: Any) -> None:
    stream = io.StringIO()
    view = RunConsole(stream)
    monkeypatch.setattr("runner.console.QUIET_INTERVAL_S", -1.0)
    with listening(view):
        view.start("Trainer")
        progress.advance("epochs", 3, 10, "Dice 0.7")
    progress.advance("epochs", 4, 10, "not shown any more")
    view.finish("Trainer", 12.34, "cached")
    assert stream.getvalue().splitlines() == [
        "    Trainer: epochs 3/10 Dice 0.7",
        "  Trainer                 12.3 s  cached",
    ]


def test_notes_are_shown_as_they_are() -> None:
    stream = io.StringIO()
    view = RunConsole(stream)
    with listening(view):
        progress.note("not compared with [1]: another spacing")
    assert stream.getvalue() == "    note: not compared with [1]: another spacing\n"
    assert view.notes == ["not compared with [1]: another spacing"]


def test_what_could_not_be_judged_has_its_verdict() -> None:
    few = Criterion("pooled_dice", "eval", "3-6", Comparison.AT_LEAST, 0.5, min_nodules=3)
    lines = rendered(gate_table([GateRow(few, None, Verdict.NOT_JUDGED, "1 nodule of 3")], NOTHING))
    assert lines[1].split()[-4:] == ["0.500", "–", "not", "judged"]
