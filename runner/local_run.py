"""One run on this machine, from the data to the exit status, with what a person sees of it."""

import datetime
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lungct.readers.tables import TableError, read_splits
from lungct.storage import StorageError, is_remote
from lungct.words import counted
from phantom.writer import make_phantoms
from pipeline.config import Config
from runner.console import RunConsole, listening
from runner.exit_status import EXIT_BLESSED, EXIT_ERROR, EXIT_NOT_BLESSED, EXIT_REFUSED
from runner.refusals import refusal_of
from runner.results import show_results, show_verdict
from runner.run_record import (
    RunRecord,
    discard_run_record,
    write_run_record,
)
from runner.streams import quiet
from schema import outputs
from schema.files import ARTIFACTS_FOLDER, METADATA_FILE, REPORT_FILE

# More than this are left to run.json and the report: warnings of tables and folders, lost scans.
MAX_WARNINGS = 5
MAX_QUARANTINED = 20

if TYPE_CHECKING:
    from runner.local_dag import NodeResult


class LocalRun:
    """Runs the pipeline, shows it, and writes `run.json` however it ends."""

    def __init__(self, record: RunRecord) -> None:
        """Prepares the run.

        Args:
            record: With the configuration, whose output folder exists.
        """
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self._log_path = os.path.join(record.config.output, "logs", f"{now}.log")
        self._record = record
        self._running = ("", 0.0)
        self._view: RunConsole

    def run(self) -> int:
        """Runs to the end.

        Returns:
            The exit status: see `runner.exit_status`.
        """
        os.makedirs(os.path.dirname(self._log_path), exist_ok=True)
        discard_run_record(self._record.config.output)
        with quiet(self._log_path) as stream:
            self._view = RunConsole(stream)
            with listening(self._view), stopped_as_interrupted():
                status = self._run_and_judge()
            self._record.notes = self._view.notes
            path = write_run_record(self._record, status)
            self._say_path("for machines", path)
        return status

    def _run_and_judge(self) -> int:
        try:
            self._introduce()
            self._prepare_data()
            self._run_pipeline()
            return self._conclude(self._record.summary())
        except KeyboardInterrupt:
            return self._ended_early(
                "interrupted; the next run goes on from what is finished", EXIT_ERROR
            )
        except (TableError, StorageError) as error:
            return self._ended_early(str(error), EXIT_REFUSED, "The data was refused:")
        except Exception as error:
            return self._failed(error)

    def _introduce(self) -> None:
        """Says what is run."""
        config = self._record.config
        self._say(f"[bold]NoduleFlow[/bold]  {config.name}  output {short_path(config.output)}")

    def _create_pipeline(self) -> Any:
        """The pipeline that is run; imports TFX."""
        from pipeline.pipeline import create_pipeline

        return create_pipeline(self._record.config)

    def _conclude(self, summary: dict[str, Any]) -> int:
        """Says how the model was judged and gives the exit status."""
        blessed = bool(summary["blessed"])
        if not blessed:
            self._record.pushed_path = None
        elif fault := self._fault_of_push():
            self._record.pushed_path = None
            return self._ended_early(fault, EXIT_ERROR)
        self._show(summary, "Blessed and pushed.", "Not blessed, nothing pushed.")
        return EXIT_BLESSED if blessed else EXIT_NOT_BLESSED

    def _show(self, summary: dict[str, Any], passed: str, failed: str) -> None:
        show_results(self._view.console, summary, self._record.config.splits)
        show_verdict(self._view.console, summary, passed, failed)
        if self._record.pushed_path is not None:
            self._say_path("model", self._record.pushed_path)
        self._say_path("report", os.path.join(self._record.outputs[outputs.REPORT], REPORT_FILE))

    def _prepare_data(self) -> None:
        config = self._record.config
        found = _count_scans(config)
        if config.data.roots:
            places = ", ".join(short_path(root.path) for root in config.data.roots)
            self._say(f"  {counted(found, 'scan')} in {places}")
            if not config.data.with_phantom:
                return
        phantom = config.data.phantom
        folder = os.path.join(config.output, phantom.folder)
        self._begin("Phantom")
        make_phantoms(folder, phantom)
        scans = counted(phantom.scans, "scan")
        self._end(f"{scans} in {short_path(folder)}: a phantom, not patients")
        update = {"data": config.data.add_phantom(folder)}
        self._record.config = config.model_copy(update=update)

    def _run_pipeline(self) -> None:
        self._begin("starting TFX")
        from runner.leftovers import discard_unfinished
        from runner.local_dag import ObservedDagRunner

        output = self._record.config.output
        examples = os.path.join(output, ARTIFACTS_FOLDER, outputs.EXAMPLE_GEN)
        pipeline = self._create_pipeline()
        left = discard_unfinished(os.path.join(output, METADATA_FILE), examples)
        self._end("removed what a killed run left" if left else "")
        ObservedDagRunner(self._begin, self._finished).run(pipeline)

    def _begin(self, name: str) -> None:
        logging.getLogger(__name__).info("%s begins", name)
        self._running = (name, time.monotonic())
        self._view.start(name)

    def _end(self, note: str = "") -> None:
        name, start = self._running
        self._view.finish(name, time.monotonic() - start, note)
        self._running = ("", 0.0)

    def _finished(self, result: "NodeResult") -> None:
        self._record.components[result.node_id] = {
            "seconds": round(result.seconds, 3),
            "cached": result.cached,
            "peak_memory_mb": round(result.peak_memory_mb),
        }
        for key, output in result.outputs.items():
            self._record.outputs[f"{result.node_id}.{key}"] = output.uri
            if output.properties.get(outputs.PUSHED_DESTINATION):
                self._record.pushed_path = output.properties[outputs.PUSHED_DESTINATION]
        if outputs.BASELINE_KEY in result.inputs:
            self._record.baseline_path = result.inputs[outputs.BASELINE_KEY].uri
        self._end("cached" if result.cached else self._note(result.node_id))
        if result.node_id == outputs.EXAMPLE_GEN:
            self._tell_of_scans()

    def _tell_of_scans(self) -> None:
        lost = [f"quarantined {x['series_uid']}: {x['reason']}" for x in self._record.quarantined()]
        warnings = [f"warning: {line}" for line in self._record.warnings()]
        for text in [
            *_first(lost, MAX_QUARANTINED, "quarantined"),
            *_first(warnings, MAX_WARNINGS, "warning"),
        ]:
            self._view.console.print(f"    {text}", markup=False)

    def _note(self, node_id: str) -> str:
        if node_id != outputs.EXAMPLE_GEN:
            return ""
        counts = self._record.counts()
        return ", ".join(f"{counts[name]} {name}" for name in list(counts)[1:])

    def _failed(self, error: Exception) -> int:
        logging.getLogger(__name__).exception("the run failed")
        refusal = refusal_of(error)
        if refusal is not None:
            return self._ended_early(refusal, EXIT_REFUSED, "The data was refused:")
        name = self._running[0] or "the run"
        text = " ".join(str(error).split())
        text = "".join(c if c.isprintable() else "?" for c in text)[:500]
        reason = f"{name} failed: {type(error).__name__}: {text}"
        return self._ended_early(reason, EXIT_ERROR)

    def _ended_early(self, reason: str, status: int, heading: str = "") -> int:
        name, start = self._running
        if name:
            self._view.fail(name, time.monotonic() - start)
        self._record.error = reason
        self._say(f"\n[bold red]{heading or 'The run did not end well:'}[/bold red]")
        self._view.console.print(reason, markup=False)
        self._say("")
        self._say_path("what libraries said", self._log_path)
        return status

    def _fault_of_push(self) -> str:
        """Says what a pushed model lacks; nothing where it is whole."""
        from components.pusher import damaged_files, pushed_files

        place = self._record.pushed_path
        if place is None:
            return "expected a blessed model to be pushed, got none"
        expected = pushed_files(self._record.outputs[outputs.PUSHED_MODEL])
        damaged = damaged_files(Path(place), expected)
        if damaged:
            return f"expected {len(expected)} whole files in {place}, got a damaged {damaged[0]}"
        return ""

    def _say(self, text: str) -> None:
        self._view.console.print(text)

    def _say_path(self, what: str, path: str) -> None:
        self._view.console.print(f"  {what:<20} {short_path(path)}", markup=False)


def _first(lines: list[str], most: int, what: str) -> list[str]:
    """The first lines, and one that says how many more there are and where."""
    left = len(lines) - most
    return lines if left <= 0 else [*lines[:most], f"{what}: {left} more are in run.json"]


def short_path(path: str) -> str:
    """The path from here where it is below here, else as it is."""
    if is_remote(path):
        return path
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


@contextmanager
def stopped_as_interrupted() -> Iterator[None]:
    """Lets a run that is told to stop end as one that is interrupted, with its record written."""

    def interrupt(number: int, frame: object) -> None:
        """Raises what the keyboard would."""
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _count_scans(config: Config) -> int:
    """Refuses tables that can't be trusted before TFX is imported, which takes long.

    Returns:
        How many scans there are; 0 where the phantom is to be made.
    """
    from lungct.inventory import take_inventory

    if config.split.table:
        read_splits(config.split.table, config.split.names)
    if not config.data.roots:
        return 0
    return len(take_inventory(config.data.roots, config.data.checksums).scans)
