"""One emulated run, with what a person sees of it."""

import datetime
import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from rich.markup import escape

from lungct.words import counted
from phantom.writer import make_phantoms
from pipeline.data_config import DataConfig
from runner.console import RunConsole
from runner.emulation.compiling import Order, compile_job
from runner.emulation.counterparts import LocalJob
from runner.emulation.emulation import Outcome, State, emulate
from runner.emulation.job_file import BUCKET_FOLDER
from runner.emulation.machines import Machine
from runner.emulation.store import Store
from runner.emulation.tasks import Folders, TaskError, TaskRunner
from runner.exit_status import EXIT_BLESSED, EXIT_ERROR, EXIT_NOT_BLESSED
from runner.local_run import short_path, stopped_as_interrupted
from runner.results import show_results, show_verdict
from schema import outputs
from schema.files import REPORT_FILE, SUMMARY_FILE
from schema.slice_keys import ALL

JOB_FILE: Final = "job.json"
# So many lines of the log of a task that failed are shown.
TAIL: Final = 20


class Session:
    """Compiles and runs one job, and shows it."""

    def __init__(self, output: str, stream: TextIO) -> None:
        """Opens the console.

        Args:
            output: Where everything is written; it exists.
            stream: Where a person looks.
        """
        self.output = output
        self._view = RunConsole(stream)
        self._console = self._view.console
        self._folders: Folders
        self._words: Mapping[str, str] = {}
        self._started = 0.0

    def complete(self, data: DataConfig) -> DataConfig:
        """The data, with the phantom made where one stands in for scans or beside them."""
        if data.roots and not data.with_phantom:
            return data
        folder = os.path.join(self.output, data.phantom.folder)
        self.begin("Phantom")
        make_phantoms(folder, data.phantom)
        scans = counted(data.phantom.scans, "scan")
        self._finish("Phantom", f"{scans} in {short_path(folder)}: a phantom, not patients")
        return data.add_phantom(folder)

    def compile(self, order: Order, machine: Machine) -> str | None:
        """Compiles a configuration.

        Args:
            order: What is to be compiled.
            machine: Where.

        Returns:
            The compiled job; None where that failed, which has been shown then.
        """
        job_path = os.path.join(self.output, JOB_FILE)
        log_path = os.path.join(self.output, "logs", "compile.log")
        os.makedirs(os.path.dirname(log_path), exist_ok=True)
        self._share(machine)
        self.begin("compile")
        try:
            compile_job(order, job_path, log_path, machine)
        except TaskError as error:
            self._view.fail("compile", time.monotonic() - self._started)
            self._show_log(str(error), log_path)
            return None
        self._finish("compile", short_path(job_path))
        return job_path

    def run(self, local: LocalJob, machine: Machine) -> int:
        """Runs a job.

        Args:
            local: The job as it runs here.
            machine: Where its commands run.

        Returns:
            The exit status: see `runner.exit_status`.

        Raises:
            UsageError: The job says what is not known here.
        """
        self._words = local.words
        self._folders = self._new_run(local.job.name)
        self._share(machine, self._folders.artifacts)
        self._introduce(local, machine)
        runner = TaskRunner(machine, Store(self.output), self._folders, local.job.legacy)
        try:
            with stopped_as_interrupted():
                return self._conclude(emulate(local.job, runner, self))
        except KeyboardInterrupt:
            text = "Interrupted; the next run takes what is finished from the cache."
            self._say(f"\n[bold red]{text}[/bold red]")
            return EXIT_ERROR

    def _share(self, machine: Machine, *more: str) -> None:
        """Lets the user of an image write beside tasks: models, their record, training states."""
        for folder in (self.output, os.path.join(self.output, BUCKET_FOLDER), *more):
            if machine.shared and os.path.isdir(folder):
                os.chmod(folder, 0o777)

    def _new_run(self, name: str) -> Folders:
        """Folders that no earlier run has."""
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        for number in range(1000):
            run = f"{name}-{now}" + (f"-{number}" if number else "")
            artifacts = os.path.join(self.output, BUCKET_FOLDER, run)
            if not os.path.exists(artifacts):
                break
        folders = Folders(artifacts, os.path.join(self.output, "logs", run))
        os.makedirs(folders.artifacts)
        os.makedirs(folders.logs)
        return folders

    def _introduce(self, local: LocalJob, machine: Machine) -> None:
        job = local.job
        where = machine.label or "this machine"
        self._say(f"[bold]NoduleFlow[/bold]  {job.name} emulated on {escape(where)}")
        self._say_path("bucket", os.path.join(self.output, BUCKET_FOLDER))
        if local.beam:
            self._say("  Beam runs in the process of each task in place of Dataflow")
        for name, value in job.parameters.items():
            self._say(f"  parameter {escape(f'{name} = {value}')}")

    def begin(self, task: str) -> None:
        """Says that a task begins."""
        self._started = time.monotonic()
        self._view.start(task)

    def end(self, task: str, outcome: Outcome) -> None:
        """Says how a task ended."""
        words = self._words.get(task, "")
        if outcome.state is State.FAILED:
            self._view.fail(task, time.monotonic() - self._started)
            self._show_log(outcome.reason, self._folders.log(task))
        elif outcome.state is State.NOT_RUN:
            self._say(f"  {task:<20} {'':>9}  [red]not run[/red]: {escape(outcome.reason)}")
        elif outcome.state is State.SKIPPED:
            self._finish(task, f"skipped: {outcome.reason}")
        elif outcome.state is State.CACHED:
            self._finish(task, "cached")
        else:
            self._finish(task, words)
        # What is skipped does not begin, and takes no time.
        self._started = time.monotonic()

    def _finish(self, name: str, note: str) -> None:
        self._view.finish(name, time.monotonic() - self._started, escape(note))

    def _show_log(self, reason: str, log_path: str) -> None:
        """Shows why something failed: in one line, by the end of its log, and where that is."""
        self._say(f"    [red]{escape(reason)}[/red]")
        for line in tail(log_path):
            self._console.print(f"    | {line}", markup=False)
        self._say_path("its whole log", log_path)

    def _conclude(self, outcomes: Mapping[str, Outcome]) -> int:
        """Says how the run ended and gives the exit status."""
        summary = _summary(outcomes)
        if summary:
            named = dict.fromkeys(row["split"] for row in summary["metrics"])
            splits = [split for split in named if split != ALL]
            show_results(self._console, summary, splits)
        failed = [name for name, one in outcomes.items() if one.state is State.FAILED]
        if failed:
            self._say(f"\n[bold red]Failed: {', '.join(failed)}.[/bold red]")
            self._say_path("logs", self._folders.logs)
            return EXIT_ERROR
        pushed = list(_pushed(outcomes))
        if summary:
            text = "Blessed and pushed." if pushed else "Blessed, not pushed."
            show_verdict(self._console, summary, text, "Not blessed, nothing pushed.")
            self._say_path("report", os.path.join(_folder(outcomes, outputs.REPORT), REPORT_FILE))
        for place in pushed:
            self._say_path("model", place)
        self._say_path("logs", self._folders.logs)
        return EXIT_BLESSED if not summary or summary["blessed"] else EXIT_NOT_BLESSED

    def _say(self, text: str) -> None:
        self._console.print(text)

    def _say_path(self, what: str, path: str) -> None:
        self._console.print(f"  {what:<20} {short_path(path)}", markup=False)


def tail(path: str) -> list[str]:
    """The last lines of a log, without signs that a terminal would act on; none without one."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()[-TAIL:]
    except FileNotFoundError:
        return []
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines]


def _folder(outcomes: Mapping[str, Outcome], name: str) -> str:
    """The folder of an output, `TASK.KEY`; empty where there is none."""
    task, key = name.split(".")
    execution = outcomes[task].execution if task in outcomes else None
    artifacts = execution.outputs.get(key, ()) if execution is not None else ()
    return artifacts[0].uri if artifacts else ""


def _summary(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """That of the report; empty where there is none."""
    folder = _folder(outcomes, outputs.REPORT)
    if not folder:
        return {}
    with open(os.path.join(folder, SUMMARY_FILE), encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


def _pushed(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Where models were pushed to."""
    for outcome in outcomes.values():
        for artifacts in outcome.execution.outputs.values() if outcome.execution else ():
            for artifact in artifacts:
                if place := artifact.metadata.get(outputs.PUSHED_DESTINATION):
                    yield str(place)
