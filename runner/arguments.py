"""What the runners' command lines share."""

import argparse
import difflib
from typing import NoReturn

from runner.exit_status import EXIT_USAGE


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong argument with one line that names the nearest valid one."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2.

        Args:
            message: What argparse found wrong.
        """
        options = _options_of(self)
        unknown = [word for word in message.split() if word.startswith("--")]
        if message.startswith("unrecognized") and unknown:
            name = unknown[0].partition("=")[0]
            close = difflib.get_close_matches(name, options, n=1, cutoff=0.0)
            message += f"; nearest valid argument: {close[0]}"
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _options_of(parser: argparse.ArgumentParser) -> list[str]:
    """The options of a parser and of its commands."""
    options: list[str] = []
    for action in parser._actions:
        options += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            options += [o for command in action.choices.values() for o in _options_of(command)]
    return options


def add_configuration_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds `--config` and `--set`.

    Args:
        parser: Where to add them.
        default: The configuration file that is read where none is named.
    """
    parser.add_argument(
        "--config", metavar="FILE", default=default, help="YAML; default %(default)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override one value of the configuration, as in training.epochs=3; repeat for more",
    )
