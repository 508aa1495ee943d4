"""Two runs or evaluations side by side: figures, differences with intervals, configuration, gate.

Figures are those of the patients that both runs judged in the same split; a difference is that of
RUN_B minus RUN_A, its interval by drawing these patients again and again, the same for both.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from glob import escape, glob

from rich.console import Console

from lungct.command_line import Parser
from runner.exit_status import EXIT_OK
from runner.finished import FinishedRun, read_finished
from runner.streams import quiet
from schema import outputs
from schema.files import INDEX_ENDING

HELP = (
    "exit status: 0 compared, 2 a folder holds no finished run with judged rows, 1 anything else."
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads what follows `compare`; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py compare", description=__doc__, epilog=HELP)
    for name in ("RUN_A", "RUN_B"):
        parser.add_argument(name.lower(), metavar=name, help="output folder")
    parser.add_argument("--all", action="store_true", help="figures that are the same in both too")
    parser.add_argument("--json", action="store_true", help="for machines, all figures")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Prints the comparison and returns the exit status.

    Raises:
        UsageError: If there are no two finished runs with judged rows.
    """
    parsed = parse_arguments(arguments)
    a, b = (read_finished(folder) for folder in (parsed.run_a, parsed.run_b))
    files = [row_files(run) for run in (a, b)]
    with quiet(os.devnull):
        from runner.comparison import compare
        from runner.comparison_view import SideBySide, show
        from schema.judged import tally_rows
        from schema.judged_io import read_rows

        first, second = (tally_rows(read_rows(paths)) for paths in files)
        replicates = int(a.configuration["evaluation"]["replicates"])
        view = SideBySide(a, b, compare(first, second, replicates), replicates)
    if parsed.json:
        print(json.dumps(view.to_json(), indent=1, allow_nan=False))
    else:
        width = None if sys.stdout.isatty() else 140
        console = Console(file=sys.stdout, highlight=False, width=width, soft_wrap=True)
        show(view, console, parsed.all)
    return EXIT_OK


def row_files(run: FinishedRun) -> list[str]:
    """The files of judged rows, in order.

    Raises:
        UsageError: If the run has none, as those of earlier versions.
    """
    folder = run.artifact(outputs.ROWS)
    return sorted(glob(os.path.join(escape(folder), "Split-*", f"*{INDEX_ENDING}")))
