"""Removes the examples, models and training states of superseded runs.

Nothing goes that the last N finished runs or the pushed model need.
"""

import argparse
import os
from collections.abc import Sequence

from lungct.command_line import Parser
from pipeline.loading import load_config
from runner.arguments import DEFAULT_CONFIG
from runner.exit_status import EXIT_OK
from runner.usage import UsageError, default_output, lock_output, output_folder


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads what follows `clean`; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py clean", description=__doc__)
    parser.add_argument("--keep", metavar="N", type=int, required=True, help="at least 1")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--output", metavar="DIR", help="output folder of the runs")
    place.add_argument(
        "--config",
        metavar="FILE",
        default=DEFAULT_CONFIG,
        help="YAML; its default output folder, else that of %(default)s",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Removes what superseded runs left, says what, and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If there is no output of a run, another run is using it, or none is kept.
    """
    parsed = parse_arguments(arguments)
    if parsed.keep < 1:
        raise UsageError(f"--keep: expected at least 1 run, got {parsed.keep}")
    # Where a folder is named, no configuration is needed.
    output = output_folder(parsed.output or default_output(load_config(parsed.config)))
    from runner.clean import has_runs, remove_superseded

    if not has_runs(output):
        raise UsageError(f"--output: expected the output folder of a run, got {output}")
    with lock_output(output):
        freed = 0
        for removed in remove_superseded(output, parsed.keep):
            freed += removed.size_bytes
            name = os.path.relpath(removed.folder, os.path.realpath(output))
            print(f"  {name:<48} {removed.size_bytes / 1e6:10.1f} MB")
    print(f"removed {freed / 1e6:.1f} MB from {output}")
    return EXIT_OK
