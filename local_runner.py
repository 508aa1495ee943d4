"""Runs the pipeline on this machine, and what belongs to its runs: see `--help`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pipeline.loading import ConfigError
from runner.commands import clean, compare, evaluate, report, run
from runner.exit_status import EXIT_USAGE
from runner.streams import use_lossy_output
from runner.usage import UsageError

# Without a name the pipeline runs.
COMMANDS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "clean": clean.main,
    "compare": compare.main,
    "evaluate": evaluate.main,
    "report": report.main,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for and returns the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    command = COMMANDS.get(given[0]) if given else None
    try:
        return run.main(given) if command is None else command(given[1:])
    except (ConfigError, UsageError) as error:
        print(f"local_runner.py: {error}", file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    use_lossy_output()
    sys.exit(main())
