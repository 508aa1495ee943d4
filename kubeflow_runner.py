"""Compiles the pipeline for Vertex AI and Kubeflow Pipelines 2, and has it run there."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final

from lungct.command_line import Parser
from lungct.exit_status import EXIT_INTERRUPTED
from pipeline.loading import ConfigError
from pipeline.run_parameters import ParameterError
from runner.cloud.commands import compile, schedule, submit
from runner.cloud.service import ServiceError
from runner.emulation import command as emulate
from runner.exit_status import EXIT_ERROR, EXIT_USAGE
from runner.streams import use_lossy_output
from runner.usage import UsageError

# Each offers `add_arguments(parser)` and `run(parsed) -> int`.
COMMANDS: Final[Mapping[str, ModuleType]] = {
    "compile": compile,
    "submit": submit,
    "schedule": schedule,
    "emulate": emulate,
}

HELP = """exit status: 0 done (with --wait: blessed), 2 usage or configuration, with --wait 3 for a
model that was not blessed, 130 interrupted, 1 anything else"""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line; a wrong one ends the process with status 2 and one line."""
    parser = Parser("kubeflow_runner.py", description=__doc__, epilog=HELP)
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join(COMMANDS))
    for name, module in COMMANDS.items():
        text = str(module.__doc__)
        first, _, _ = text.partition("\n")
        module.add_arguments(commands.add_parser(name, help=first, description=text))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for and returns the exit status."""
    parsed = parse_arguments(arguments)
    try:
        return int(COMMANDS[parsed.command].run(parsed))
    except ConfigError as error:
        lines, status = error.faults, EXIT_USAGE
    except (UsageError, ParameterError, OSError) as error:
        lines, status = (str(error),), EXIT_USAGE
    except ServiceError as error:
        lines, status = (str(error),), EXIT_ERROR
    except KeyboardInterrupt:
        lines, status = ("interrupted",), EXIT_INTERRUPTED
    for line in lines:
        print(f"kubeflow_runner.py: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    use_lossy_output()
    sys.exit(main())
