"""What all command lines share: one line for an error, and how they end."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from lungct.exit_status import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE
from lungct.storage import printable
from lungct.streams import escape_unprintable


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
        """Ends the process with one line and status 2.

        Args:
            message: What argparse found wrong.
        """
        unknown = [word for word in message.split() if word.startswith("--")]
        if message.startswith("unrecognized") and unknown:
            name = unknown[0].partition("=")[0]
            close = difflib.get_close_matches(name, _options_of(self), n=1, cutoff=0.0)
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


def run(program: str, work: Callable[[], int]) -> int:
    """Does the work of a command, whatever becomes of its output.

    Args:
        program: Name of the command in messages.
        work: Returns the exit status.

    Returns:
        That status, 2 for what can't be read or written, 1 when nobody reads the output any more,
        130 when interrupted.
    """
    escape_unprintable()
    try:
        status = work()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_what_fails()
        return EXIT_ERROR
    except OSError as error:
        _discard_what_fails()
        return usage_error(program, error)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return status


def _discard_what_fails() -> None:
    """Drops output that can't be written, which would fail again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def usage_error(program: str, error: Exception) -> int:
    """Prints one line on stderr; returns the exit status of wrong usage."""
    print(f"{program}: {printable(str(error))}", file=sys.stderr)
    return EXIT_USAGE


def print_warnings(warnings: Iterable[str]) -> None:
    """Prints them on stderr, so that stdout holds results only."""
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
