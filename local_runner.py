"""Runs the whole pipeline on this machine: raw CT in, a judged and pushed model out."""

import argparse
import fcntl
import os
import sys
from collections.abc import Sequence
from typing import IO

from pipeline.config import Config, absolute
from pipeline.loading import ConfigError, load_config
from runner.arguments import Parser, add_configuration_arguments
from runner.run_record import EXIT_USAGE
from runner.streams import use_lossy_output

EXIT_STATUS_HELP = """exit status: 0 blessed and pushed, 2 usage or configuration, 3 trained but not
blessed, 4 data refused, 1 anything else. OUTPUT/run.json says the same for machines."""


class UsageError(ValueError):
    """The command line asks for what can't be done."""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line; a wrong one ends the process with status 2 and one line."""
    parser = Parser(description=__doc__, epilog=EXIT_STATUS_HELP, allow_abbrev=False)
    add_configuration_arguments(parser, "configs/demo.yaml")
    parser.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="folder in LUNA16 layout; repeat for more; without it a phantom is made",
    )
    parser.add_argument("--output", metavar="DIR", help="default: output/NAME of the configuration")
    return parser.parse_args(arguments)


def read_configuration(arguments: argparse.Namespace) -> Config:
    """Reads the configuration that the command line names.

    Raises:
        ConfigError: If it is not valid.
        UsageError: If a data folder is not there, or the configuration is for another platform.
    """
    for root in arguments.data or ():
        if not os.path.isdir(root):
            raise UsageError(f"--data: expected a folder in LUNA16 layout, got {root}")
    config = load_config(arguments.config, arguments.overrides, data__roots=arguments.data)
    if config.vertex is not None:
        raise UsageError(f"{arguments.config} is for Vertex AI: use kubeflow_runner.py")
    try:
        output = absolute(arguments.output or os.path.join("output", config.name))
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    return config.model_copy(update={"output": output})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pipeline and returns the exit status."""
    try:
        config = read_configuration(parse_arguments(arguments))
        lock = lock_output(config.output)
    except (ConfigError, UsageError) as error:
        print(f"local_runner.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    from runner.local_run import LocalRun

    with lock:
        return LocalRun(config).run()


def lock_output(output: str) -> IO[str]:
    """Makes the output folder and keeps a second run out of it."""
    try:
        os.makedirs(output, exist_ok=True)
        lock = open(os.path.join(output, ".lock"), "w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"--output: another run is using {output}") from None
    except OSError as error:
        raise UsageError(f"--output: can't write to {output}: {error.strerror}") from None
    return lock


if __name__ == "__main__":
    use_lossy_output()
    sys.exit(main())
