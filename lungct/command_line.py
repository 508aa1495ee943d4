"""What the command lines of this package share: one line for an error, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

from lungct.exit_status import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE
from lungct.storage import printable
from lungct.streams import escape_unprintable


class Parser(argparse.ArgumentParser):
    """A parser without its usage in front of every error."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with one line and status 2.

        Args:
            message: What argparse found wrong.
        """
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


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
