"""Output that never ends a command, whatever the terminal can show."""

from __future__ import annotations

import io
import sys


def escape_unprintable() -> None:
    """Lets standard output and error show as escapes what their encoding has no sign for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
