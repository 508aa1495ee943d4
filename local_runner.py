"""Runs the whole pipeline on this machine: raw CT in, a judged and pushed model out."""

import argparse
import fcntl
import os
import sys
from collections.abc import Sequence
from typing import IO

from lungct.storage import is_folder
from pipeline.config import Config, absolute
from pipeline.loading import ConfigError, load_config
from runner.arguments import Parser, add_configuration_arguments
from runner.exit_status import EXIT_OK, EXIT_USAGE
from runner.streams import use_lossy_output

HELP = """exit status: 0 blessed and pushed, 2 usage or configuration, 3 trained but not
blessed, 4 data refused, 1 anything else. OUTPUT/run.json says the same for machines.
`local_runner.py clean --help`: remove large artifacts of superseded runs."""
CLEAN_HELP = """Removes the examples, models and training states of superseded runs, but nothing
that the last N finished runs or the pushed model need."""
DEFAULT_CONFIG = "configs/demo.yaml"


class UsageError(ValueError):
    """The command line asks for what can't be done."""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line; a wrong one ends the process with status 2 and one line."""
    parser = Parser(description=__doc__, epilog=HELP, allow_abbrev=False)
    add_configuration_arguments(parser, DEFAULT_CONFIG)
    parser.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="folder of scans; repeat for more; without it a phantom is made",
    )
    parser.add_argument("--output", metavar="DIR", help="default: output/NAME of the configuration")
    return parser.parse_args(arguments)


def parse_clean_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads what follows `clean`; a wrong one ends the process with status 2 and one line."""
    parser = Parser("local_runner.py clean", description=CLEAN_HELP, allow_abbrev=False)
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


def read_configuration(arguments: argparse.Namespace) -> Config:
    """Reads the configuration that the command line names.

    Raises:
        ConfigError: If it is not valid.
        UsageError: If a data folder is not there, or the configuration is for another platform.
    """
    for root in arguments.data or ():
        if not is_folder(root):
            raise UsageError(f"--data: expected a folder of scans, got {root}")
    config = load_config(arguments.config, arguments.overrides, data__roots=arguments.data)
    if config.vertex is not None:
        raise UsageError(f"{arguments.config} is for Vertex AI: use kubeflow_runner.py")
    return config.model_copy(
        update={"output": output_folder(arguments.output or default_output(config))}
    )


def default_output(config: Config) -> str:
    """Where a configuration's runs write where no folder is named."""
    return os.path.join("output", config.name)


def output_folder(place: str) -> str:
    """The folder that a run writes to, from the root of this machine.

    Raises:
        UsageError: If TFX could not use it.
    """
    try:
        return absolute(place)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pipeline, or cleans up after earlier runs, and returns the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return clean(given[1:]) if given[:1] == ["clean"] else run(given)
    except (ConfigError, UsageError) as error:
        print(f"local_runner.py: {error}", file=sys.stderr)
        return EXIT_USAGE


def run(arguments: Sequence[str]) -> int:
    """Runs the pipeline and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If what is asked for can't be done.
    """
    config = read_configuration(parse_arguments(arguments))
    lock = lock_output(config.output)
    from runner.local_run import LocalRun

    with lock:
        return LocalRun(config).run()


def clean(arguments: Sequence[str]) -> int:
    """Removes what superseded runs left, says what, and returns the exit status.

    Raises:
        ConfigError: If the configuration is not valid.
        UsageError: If there is no output of a run, another run is using it, or none is kept.
    """
    parsed = parse_clean_arguments(arguments)
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
