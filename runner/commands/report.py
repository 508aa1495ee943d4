"""Makes the page of a finished run again, from what the run left, and says where it is."""

import argparse
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lungct.command_line import Parser
from runner.exit_status import EXIT_OK
from runner.finished import FinishedRun, read_finished
from runner.streams import quiet
from runner.usage import UsageError, lock_output
from schema import outputs
from schema.criteria import Criterion
from schema.files import REPORT_FILE, SUMMARY_FILE
from schema.versions import OLDEST_SUMMARY, SUMMARY_VERSION, check_version

if TYPE_CHECKING:
    from report.build import ReportInputs, ReportParameters

# As TFX names the folders within an artifact.
_SPLIT: Final = "Split-"
_SERVING: Final = "Format-Serving"
HELP = "exit status: 0 made, 2 RUN is no finished run or lacks what it made, 1 anything else."


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads what follows `report`; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py report", description=__doc__, epilog=HELP)
    parser.add_argument("run", metavar="RUN", help="output folder of a run or an evaluation")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Makes the page, prints its path, and returns the exit status.

    Raises:
        UsageError: If there is no finished run with all that it made, or another run is using it.
    """
    run = read_finished(parse_arguments(arguments).run)
    folder = run.artifact(outputs.REPORT)
    with lock_output(run.folder):
        with quiet(os.devnull):
            from report.build import write_report

            write_report(report_inputs(run), report_parameters(folder), folder)
    print(os.path.join(folder, REPORT_FILE))
    return EXIT_OK


def report_inputs(run: FinishedRun) -> "ReportInputs":
    """The folders that the page is made from.

    Raises:
        UsageError: If one is not there.
    """
    from report.build import ReportInputs

    baseline = run.record.get("baseline_path")
    return ReportInputs(
        examples=_splits_of(run.artifact(outputs.EXAMPLES)),
        rows=_splits_of(run.artifact(outputs.ROWS)),
        predictions=run.artifact(outputs.PREDICTIONS),
        evaluation=run.artifact(outputs.EVALUATION),
        blessing=run.artifact(outputs.BLESSING),
        scans=run.artifact(outputs.SCANS),
        model_run=run.artifact(outputs.MODEL_RUN) if run.has(outputs.MODEL_RUN) else None,
        model=next(
            (
                os.path.join(run.artifact(name), _SERVING)
                for name in outputs.MODELS
                if run.has(name)
            ),
            None,
        ),
        baseline=None if baseline is None else os.path.join(run.moved(baseline), _SERVING),
    )


def _splits_of(examples: str) -> dict[str, str]:
    """Folder of each split of an Examples artifact."""
    names = [name for name in sorted(os.listdir(examples)) if name.startswith(_SPLIT)]
    return {name.removeprefix(_SPLIT): os.path.join(examples, name) for name in names}


def report_parameters(folder: str) -> "ReportParameters":
    """What the page was made with before.

    Args:
        folder: That of the page.

    Raises:
        UsageError: If that was another version, whose facts can't be taken.
    """
    from report.build import ReportParameters

    with open(os.path.join(folder, SUMMARY_FILE), encoding="utf-8") as file:
        summary = json.load(file)
    try:
        check_version(summary.get("version"), OLDEST_SUMMARY, SUMMARY_VERSION, file.name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return ReportParameters(
        configuration=summary["configuration"],
        criteria=tuple(Criterion.from_json(row) for row in summary["gate"]),
        trainer_code_hash=summary["trainer_code_hash"],
        probability_threshold=summary["probability_threshold"],
        # Version 2 has neither.
        evaluated_model=summary.get("evaluated_model", ""),
        passed_over=tuple(summary.get("passed_over", ())),
    )
