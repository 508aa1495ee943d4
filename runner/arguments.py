"""What the runners' command lines share."""

import argparse
import difflib
from typing import Any, Final, NoReturn

from runner.exit_status import EXIT_USAGE

DEFAULT_CONFIG: Final = "configs/demo.yaml"


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong argument with one line that names the nearest valid one."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        """Makes a parser that takes whole options only and keeps the lines of its texts.

        Args:
            prog: The command.
            **options: As argparse has them.
        """
        lines = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, **{"allow_abbrev": False, "formatter_class": lines, **options})

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


def add_place_arguments(parser: argparse.ArgumentParser, no_data: str, output: str) -> None:
    """Adds `--data` and `--output`.

    Args:
        parser: Where to add them.
        no_data: What happens without data.
        output: Which folder is the default.
    """
    text = f"folder of scans; repeat for more; {no_data}"
    parser.add_argument("--data", action="append", metavar="DIR", help=text)
    parser.add_argument("--output", metavar="DIR", help=output)
