"""What is told at the end: each criterion that was missed or could not be judged, by name."""

import dataclasses
import io
from typing import Any

from rich.console import Console

from runner.results import gate_notes, show_results, show_verdict
from schema.criteria import Comparison, Criterion
from schema.gate import GateRow, Verdict
from schema.metrics import Kind, MetricRow, On

LOWER = Criterion("pooled_dice", "eval", "15+", Comparison.AT_LEAST, 0.75, min_nodules=3)
UPPER = Criterion("recall", "eval", "all", Comparison.AT_MOST, 0.5)
FEW = "2 nodules of at least 3"


def summary(*gate: GateRow, blessed: bool = False) -> dict[str, Any]:
    return {"blessed": blessed, "metrics": [], "gate": [row.to_json() for row in gate]}


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def shown(view: Console) -> str:
    assert isinstance(view.file, io.StringIO)
    return view.file.getvalue()


def test_a_missed_gate_names_each_criterion_that_failed() -> None:
    gate = [
        GateRow(LOWER, 0.5, Verdict.FAIL),
        GateRow(UPPER, 0.75, Verdict.FAIL),
        GateRow(UPPER, 0.25, Verdict.PASS),
    ]
    assert [line.partition(": ")[2] for line in gate_notes(gate)] == [
        "measured 0.500, 0.250 below the bound of 0.750",
        "measured 0.750, 0.250 above the bound of 0.500",
    ]


def test_a_first_run_says_why_a_change_is_not_judged() -> None:
    change = dataclasses.replace(LOWER, kind=Kind.CHANGE)
    (line,) = gate_notes([GateRow(change, None, Verdict.NOT_APPLICABLE, "no baseline")])
    assert line == f"not applicable: {change.text}: no baseline"


def test_what_could_not_be_judged_is_told_though_the_gate_is_passed() -> None:
    view = console()
    gate = [GateRow(LOWER, None, Verdict.NOT_JUDGED, FEW), GateRow(UPPER, 0.25, Verdict.PASS)]
    told = summary(*gate, blessed=True)
    show_results(view, told, ["eval"])
    show_verdict(view, told, "Good.", "Bad.")
    # Below the table, above the verdict.
    assert [line.strip() for line in shown(view).splitlines()][-3:] == [
        f"not judged: {LOWER.text}: {FEW}",
        "",
        "Good.",
    ]


def test_a_bound_of_an_interval_is_shown_beside_its_figure() -> None:
    view = console()
    sure = dataclasses.replace(LOWER, kind=Kind.CHANGE, on=On.LOWER, bound=-0.25, min_nodules=0)
    change = MetricRow("eval", "15+", "pooled_dice", 0.25, -0.125, 0.5)
    told = summary(GateRow(sure, -0.125, Verdict.PASS), blessed=True)
    show_results(view, {**told, "changes": [dataclasses.asdict(change)]}, ["eval"])
    assert "+0.250 (lower bound −0.125)    −0.250    +0.125    pass" in shown(view)


def test_the_gate_stands_below_the_figures() -> None:
    view = console()
    show_results(view, {**summary(GateRow(UPPER, 0.25, Verdict.PASS)), "data": {}}, ["eval"])
    assert shown(view).index("Figures by size") < shown(view).index("voxel recall, eval split")
    assert "crops" not in shown(view)


def test_figures_of_crops_are_called_so() -> None:
    view = console()
    show_results(view, {**summary(), "data": {"crops": 3}}, ["eval"])
    assert "of crops in 3 scans: not to be compared with figures of whole scans" in shown(view)
