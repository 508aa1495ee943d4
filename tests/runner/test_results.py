"""What is told at the end: each criterion that was missed or could not be judged, by name."""

import io
from typing import Any

from rich.console import Console

from runner.results import gate_notes, show_results, show_verdict
from schema.criteria import Comparison, Criterion
from schema.gate import GateRow, Verdict

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


def test_what_could_not_be_judged_is_told_though_the_gate_is_passed() -> None:
    view = console()
    gate = [GateRow(LOWER, None, Verdict.NOT_JUDGED, FEW), GateRow(UPPER, 0.25, Verdict.PASS)]
    show_verdict(view, summary(*gate, blessed=True), "Good.", "Bad.")
    assert [line.strip() for line in shown(view).splitlines()] == [
        "",
        "Good.",
        f"not judged: {LOWER.text}: {FEW}",
    ]


def test_the_gate_stands_below_the_figures() -> None:
    view = console()
    show_results(view, {**summary(GateRow(UPPER, 0.25, Verdict.PASS)), "data": {}}, ["eval"])
    assert shown(view).index("Dice by size") < shown(view).index("voxel recall, eval split")
    assert "crops" not in shown(view)


def test_figures_of_crops_are_called_so() -> None:
    view = console()
    show_results(view, {**summary(), "data": {"crops": 3}}, ["eval"])
    assert "of crops in 3 scans: not to be compared with figures of whole scans" in shown(view)
