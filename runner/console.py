"""What a person sees while the pipeline runs: a line per component, a bar within the long ones."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from lungct.progress import LOGGER_NAME
from schema import features
from schema.gate import Figures, GateRow, Verdict
from schema.gate_text import measured_text
from schema.metrics import (
    TABLE_METRICS,
    MetricRow,
    figure_text,
    metric_value,
    signed_text,
)
from schema.slice_keys import ALL, shown_slices, source_text

# Without a terminal, a long component says how far it is this often, in seconds.
QUIET_INTERVAL_S = 20.0
# The tables fit in so many signs.
QUIET_WIDTH: Final = 130

_COLOURS: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.NOT_JUDGED: "yellow",
}


class RunConsole(logging.Handler):
    """Prints components as they start and end, and shows progress records as a bar."""

    def __init__(self, stream: TextIO) -> None:
        """Opens the console.

        Args:
            stream: Where a person looks; a terminal gets bars, anything else gets lines.
        """
        super().__init__(logging.INFO)
        width = None if stream.isatty() else QUIET_WIDTH
        self.console = Console(file=stream, highlight=False, width=width, soft_wrap=True)
        columns = (
            TextColumn("  {task.description:<20}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[note]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self.console, transient=True)
        self._task: TaskID | None = None
        self.notes: list[str] = []
        self._name = ""
        self._last_line = 0.0

    def start(self, name: str) -> None:
        """Says that a step begins."""
        self._name, self._last_line = name, time.monotonic()
        if self.console.is_terminal:
            self._progress.start()
            self._task = self._progress.add_task(name, total=None, note="")

    def finish(self, name: str, seconds: float, note: str = "") -> None:
        """Says that a step ended."""
        self._clear()
        self.console.print(f"  {name:<20} {seconds:7.1f} s  {note}".rstrip())

    def fail(self, name: str, seconds: float) -> None:
        """Says that a step did not end well."""
        self._clear()
        self.console.print(f"  {name:<20} {seconds:7.1f} s  [red]failed[/red]")

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a record of `lungct.progress`: how far a step is, or a note, which is kept."""
        if note := getattr(record, "note", ""):
            self.notes.append(note)
            self.console.print(f"    note: {note}", markup=False)
            return
        step, done, total, note = getattr(record, "progress", ("", 0, 0, ""))
        if self._task is not None:
            text = f"{step} {note}".strip()
            self._progress.update(self._task, completed=done, total=total, note=text)
        elif time.monotonic() - self._last_line > QUIET_INTERVAL_S and done < total:
            self._last_line = time.monotonic()
            self.console.print(f"    {self._name}: {step} {done}/{total} {note}".rstrip())

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.stop()
            self._progress.remove_task(self._task)
            self._task = None


@contextmanager
def listening(handler: RunConsole) -> Iterator[None]:
    """Shows progress records on the console, and keeps them out of other handlers meanwhile."""
    logger = logging.getLogger(LOGGER_NAME)
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])


def dice_table(rows: Sequence[MetricRow], splits: Sequence[str]) -> Table:
    """Lays out the metrics by size bucket, one line per split and bucket.

    Args:
        rows: What was measured.
        splits: The splits to show, in order.

    Returns:
        A table for the console.
    """
    table = Table(box=None, padding=(0, 2))
    for heading in ("split", "nodule size (mm)"):
        table.add_column(heading)
    for metric in TABLE_METRICS:
        table.add_column(metric.label, justify="right")
    places = shown_slices((row.bucket, row.source) for row in rows)
    for split in splits:
        for place in places:
            values = [metric_value(rows, metric.key, split, *place) for metric in TABLE_METRICS]
            if any(value is not None for value in values):
                table.add_row(split, _where(*place), *map(figure_text, values))
    return table


def _where(bucket: str, source: str) -> str:
    """A slice key as the table has it."""
    if source != ALL:
        return source_text(source)
    if bucket == features.BUCKET_NONE:
        return "no nodule"
    return "all slices" if bucket == ALL else bucket


def gate_table(rows: Sequence[GateRow], figures: Figures) -> Table:
    """Lays out the gate: criterion, measured, bound, margin, verdict.

    Args:
        rows: How each criterion was judged.
        figures: What was measured.

    Returns:
        A table for the console.
    """
    table = Table(box=None, padding=(0, 2))
    table.add_column("criterion")
    for heading in ("measured", "bound", "margin"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in rows:
        one, verdict = row.criterion, row.verdict.value
        colour = _COLOURS[row.verdict]
        table.add_row(
            one.text,
            measured_text(row, figures),
            one.figure_text(one.bound),
            signed_text(row.margin),
            f"[{colour}]{verdict}[/{colour}]",
        )
    return table
