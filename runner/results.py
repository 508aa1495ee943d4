"""What a person is told at the end of a run: figures, the gate, the verdict on the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from lungct.words import counted
from runner.console import dice_table, gate_table
from schema.gate import GateRow, MeasuredRows, Verdict
from schema.metrics import MetricRow


def show_results(console: Console, summary: Mapping[str, Any], splits: Sequence[str]) -> None:
    """Prints the figures by size bucket, the gate, and which criteria were missed or not judged.

    Args:
        console: Where a person looks.
        summary: That of the report.
        splits: The splits to show, in order.
    """
    console.print("\n[bold]Figures[/bold] by size of the nodules")
    console.print(dice_table(_rows(summary["metrics"]), splits))
    if crops := summary.get("data", {}).get("crops"):
        scans = counted(crops, "scan")
        console.print(f"  of crops in {scans}: not to be compared with figures of whole scans")
    console.print("\n[bold]Gate[/bold]")
    gate = gate_of(summary)
    console.print(gate_table(gate, measured_of(summary)))
    for line in gate_notes(gate):
        console.print(f"  {line}", markup=False)


def show_verdict(console: Console, summary: Mapping[str, Any], passed: str, failed: str) -> None:
    """Prints the verdict.

    Args:
        console: Where a person looks.
        summary: That of the report.
        passed: The verdict where the gate was passed.
        failed: The verdict where it was not.
    """
    colour, text = ("green", passed) if summary["blessed"] else ("red", failed)
    console.print(f"\n[bold {colour}]{text}[/bold {colour}]")


def gate_of(summary: Mapping[str, Any]) -> tuple[GateRow, ...]:
    """The gate's rows of a summary."""
    return tuple(GateRow.from_json(row) for row in summary["gate"])


def measured_of(summary: Mapping[str, Any]) -> MeasuredRows:
    """The figures of a summary."""
    changes = summary.get("changes")
    return MeasuredRows(
        _rows(summary["metrics"]),
        None if changes is None else _rows(changes),
        _rows(summary.get("gaps", ())),
    )


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[MetricRow]:
    return [MetricRow(**row) for row in rows]


def gate_notes(gate: Sequence[GateRow]) -> list[str]:
    """The criteria that were missed, and by how much, and why others could not be judged."""
    missed = [row.shortfall for row in gate if row.verdict is Verdict.FAIL]
    unjudged = [row for row in gate if row.verdict in (Verdict.NOT_JUDGED, Verdict.NOT_APPLICABLE)]
    return [
        *missed,
        *(f"{row.verdict.value}: {row.criterion.text}: {row.reason}" for row in unjudged),
    ]
