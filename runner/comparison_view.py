"""Two runs side by side, for people and for machines."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from lungct.words import counted, noun
from runner.comparison import ComparedFigure, Comparison, SplitPatients, changed_settings
from runner.finished import FinishedRun
from runner.results import gate_of
from schema.gate import GateRow
from schema.metrics import figure_text, signed_text
from schema.slice_keys import slice_text

CHANCE: Final = (
    "Where nothing differs, one interval in twenty excludes 0 by chance; of fewer than 20 "
    "patients, more do."
)


@dataclasses.dataclass(frozen=True)
class SideBySide:
    """Two runs and how they compare.

    Attributes:
        a: The first run.
        b: The second run.
        comparison: Their figures.
        replicates: How often patients were drawn.
    """

    a: FinishedRun
    b: FinishedRun
    comparison: Comparison
    replicates: int

    @property
    def settings(self) -> dict[str, tuple[Any, Any]]:
        """What differs in the configurations, but where they write."""
        return changed_settings(
            {**self.a.configuration, "output": None}, {**self.b.configuration, "output": None}
        )

    @property
    def nothing_differs(self) -> bool:
        """Whether there are figures, and all are the same."""
        figures = self.comparison.figures
        return bool(figures) and not any(one.differs for one in figures)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON; undefined figures are null."""
        return {
            "a": _run_json(self.a),
            "b": _run_json(self.b),
            "configuration": {key: list(values) for key, values in self.settings.items()},
            "replicates": self.replicates,
            "patients": [dataclasses.asdict(one) for one in self.comparison.patients],
            "figures": [_figure_json(one) for one in self.comparison.figures],
            "nothing_differs": self.nothing_differs,
        }


def show(view: SideBySide, console: Console, all_figures: bool = False) -> None:
    """Prints all of it.

    Args:
        view: Two runs.
        console: Where a person looks.
        all_figures: Whether figures that are the same in both are shown too.
    """
    for name, run in (("A", view.a), ("B", view.b)):
        console.print(f"{name}  {run_text(run)}", markup=False)
    _show_settings(view, console)
    console.print("\n[bold]Patients[/bold]")
    for one in view.comparison.patients:
        console.print(f"  {patients_text(one)}", markup=False)
    _show_figures(view, console, all_figures)
    console.print("\n[bold]Gate[/bold]")
    console.print(_gate_table(view))
    console.print()
    for line in conclusion(view):
        console.print(line, markup=False)


def run_text(run: FinishedRun) -> str:
    """A run in one line: where, what it did, how it was judged."""
    model = run.record.get("evaluated_model")
    what = f"evaluation of {model['path']}" if model else "trained"
    passed = "passed" if run.record["blessed"] else "not passed"
    return f"{run.folder}: {what}, gate {passed}"


def patients_text(one: SplitPatients) -> str:
    """Whose figures of a split are compared, in one line."""
    text = f"{one.split} split: {one.common} in both"
    if one.only_a or one.only_b:
        text += f"; left out: {one.only_a} in A only, {one.only_b} in B only"
    if one.other_truth:
        text += f"; {one.other_truth} with other scans or another truth in B than in A"
    return text


def conclusion(view: SideBySide) -> Iterator[str]:
    """What differs, in words.

    Args:
        view: Two runs.

    Yields:
        A line for each metric and slice that is better or worse, and how to take them; or one that
        says that none is.
    """
    figures = view.comparison.figures
    if not figures:
        yield "No patient was judged by both in one split: there is nothing to compare."
    elif view.nothing_differs:
        yield f"Nothing differs: {_same_text(len(figures))}."
    else:
        clear = [one for one in figures if one.verdict]
        for one in clear:
            where = slice_text(one.split, one.bucket)
            yield (
                f"B is {one.verdict} in {one.metric.heading}, {where}: "
                f"{signed_text(one.change)} (95% interval {_interval_text(one)})"
            )
        if clear:
            yield CHANCE
        else:
            yield "Figures differ, but no interval of a difference excludes 0."


def _same_text(number: int) -> str:
    if number == 1:
        return "the only figure is the same in both"
    return f"each of {number} figures is the same in both"


def _run_json(run: FinishedRun) -> dict[str, Any]:
    kept = ("evaluated_model", "blessed", "gate", "code_hash", "pushed_path")
    return {"folder": run.folder, **{name: run.record.get(name) for name in kept}}


def _figure_json(one: ComparedFigure) -> dict[str, Any]:
    numbers = ("a", "b", "change", "lower", "upper")
    return {
        "split": one.split,
        "bucket": one.bucket,
        "metric": one.metric.key,
        **{name: _defined(getattr(one, name)) for name in numbers},
        "verdict": one.verdict,
    }


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _show_settings(view: SideBySide, console: Console) -> None:
    console.print("\n[bold]Configuration[/bold]")
    table = _table("setting", "A", "B")
    for key, values in view.settings.items():
        if not key.startswith("gate."):  # The gate has a table of its own.
            table.add_row(key, *map(str, values))
    console.print(table if table.row_count else "  the same in both")


def _show_figures(view: SideBySide, console: Console, all_figures: bool) -> None:
    """The figures that differ, and how many others there are; nothing where none is shown."""
    figures = view.comparison.figures
    shown = [one for one in figures if all_figures or one.differs]
    if not shown:
        return
    draws = counted(view.replicates, "draw")
    console.print(
        f"\n[bold]Figures[/bold] on the patients of both; 95% intervals by {draws} of patients"
    )
    console.print(_figure_table(shown))
    if left := len(figures) - len(shown):
        same = noun(left, "is", "are")
        text = f"{counted(left, 'other figure')} {same} the same in both (--all shows them)"
        console.print(f"  {text}", markup=False)


def _figure_table(figures: Iterable[ComparedFigure]) -> Table:
    table = _table("split", "nodules (mm)", "metric")
    for heading in ("A", "B", "B − A", "95% interval"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for one in figures:
        table.add_row(
            *(one.split, one.bucket, one.metric.heading, figure_text(one.a), figure_text(one.b)),
            *(signed_text(one.change), _interval_text(one), one.verdict),
        )
    return table


def _gate_table(view: SideBySide) -> Table:
    table = _table("criterion", "A", "B")
    found = [_gate_texts(run.record) for run in (view.a, view.b)]
    for criterion in dict.fromkeys([*found[0], *found[1]]):
        table.add_row(criterion, *(texts.get(criterion, "not asked") for texts in found))
    return table


def _gate_texts(record: Mapping[str, Any]) -> dict[str, str]:
    """Measured figure and verdict by criterion."""
    return {row.criterion.text: _gate_text(row) for row in gate_of(record)}


def _gate_text(row: GateRow) -> str:
    return f"{row.criterion.figure_text(row.measured)} {row.verdict.value}"


def _interval_text(one: ComparedFigure) -> str:
    if math.isnan(one.lower):
        return "–"
    return f"{signed_text(one.lower)} to {signed_text(one.upper)}"


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2))
    for heading in headings:
        table.add_column(heading)
    return table
