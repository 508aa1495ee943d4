"""What a person sees while the pipeline runs: a line per component, a bar within the long ones."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from lungct.progress import LOGGER_NAME

# Without a terminal, a long component says how far it is this often, in seconds.
QUIET_INTERVAL_S = 20.0


class RunConsole(logging.Handler):
    """Prints components as they start and end, and shows progress records as a bar."""

    def __init__(self, stream: TextIO) -> None:
        """Opens the console.

        Args:
            stream: Where a person looks; a terminal gets bars, anything else gets lines.
        """
        super().__init__(logging.INFO)
        width = None if stream.isatty() else 100
        self.console = Console(file=stream, highlight=False, width=width, soft_wrap=True)
        columns = (
            TextColumn("  {task.description:<20}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[note]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self.console, transient=True)
        self._task: TaskID | None = None
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
        """Shows a progress record of `lungct.progress`."""
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


def listen(handler: RunConsole) -> None:
    """Connects progress records to the console, and keeps them out of other handlers."""
    logger = logging.getLogger(LOGGER_NAME)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def dice_table(metrics: Sequence[Mapping[str, Any]], splits: Sequence[str]) -> Table:
    """Lays out Dice by size bucket, one line per split and bucket.

    Args:
        metrics: Rows with `split`, `bucket`, `metric` and `value`, as in the report's summary.
        splits: The splits to show, in order.

    Returns:
        A table for the console.
    """
    table = Table(box=None, padding=(0, 2))
    for heading in ("split", "nodule size (mm)"):
        table.add_column(heading)
    for heading in ("pooled Dice", "mean slice Dice", "precision", "recall"):
        table.add_column(heading, justify="right")
    values = {(row["split"], row["bucket"], row["metric"]): row["value"] for row in metrics}
    buckets = sorted({row["bucket"] for row in metrics}, key=_bucket_order)
    names = ("pooled_dice", "mean_slice_dice", "precision", "recall")
    for split in splits:
        for bucket in buckets:
            cells = [_figure(values.get((split, bucket, name))) for name in names]
            if any(cell != "–" for cell in cells):
                table.add_row(split, "all slices" if bucket == "all" else bucket, *cells)
    return table


def _bucket_order(bucket: str) -> tuple[int, float]:
    if bucket in ("all", "none"):
        return (0 if bucket == "all" else 2, 0.0)
    return (1, float(bucket.rstrip("+").partition("-")[0]))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def gate_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lays out the gate: criterion, measured, bound, verdict."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("criterion")
    for heading in ("measured", "bound", "margin"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in rows:
        margin = row["margin"]
        cells = [_figure(row["measured"]), _figure(row["bound"])]
        cells.append("–" if margin is None else f"{margin:+.3f}")
        colour = {"pass": "green", "fail": "red"}.get(row["verdict"], "dim")
        table.add_row(row["criterion"], *cells, f"[{colour}]{row['verdict']}[/{colour}]")
    return table
