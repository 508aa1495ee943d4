"""Runs the whole pipeline on this machine: raw CT in, a judged and pushed model out."""

import argparse
from collections.abc import Sequence

from lungct.command_line import Parser
from runner.arguments import (
    DEFAULT_CONFIG,
    add_configuration_arguments,
    add_place_arguments,
)
from runner.usage import default_output, lock_output, output_folder, read_configuration

HELP = """commands:
  local_runner.py evaluate --help   judge a pushed model on data that it never saw
  local_runner.py report --help     make the page of a finished run again
  local_runner.py compare --help    two runs side by side
  local_runner.py clean --help      remove large artifacts of superseded runs

exit status: 0 blessed and pushed, 2 usage or configuration, 3 trained but not blessed,
4 data refused, 1 anything else. OUTPUT/run.json says the same for machines."""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py", description=__doc__, epilog=HELP)
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    add_place_arguments(
        parser, "without it a phantom is made", "default: output/NAME of the configuration"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Runs the pipeline and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If what is asked for can't be done.
    """
    parsed = parse_arguments(arguments)
    config = read_configuration(parsed)
    output = output_folder(parsed.output or default_output(config))
    lock = lock_output(output)
    from runner.local_run import LocalRun
    from runner.run_record import RunRecord

    with lock:
        return LocalRun(RunRecord(config.model_copy(update={"output": output}))).run()
