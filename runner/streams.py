"""Where text goes: output never decides how a run ends.

A reader that goes away (`| head`), a full disk behind `>`, a closed stream, and a terminal whose
encoding lacks a sign lose text, and nothing else.
"""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_ERRORS = "noduleflow-plain"
_PLAIN = {"≥": ">=", "≤": "<=", "–": "-", "−": "-", "×": "x", "·": ".", "…": "...", "→": "->"}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Writes signs that the encoding lacks in signs that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in signs), error.end


codecs.register_error(_ERRORS, _plain)


class _LossyFile(io.FileIO):
    """A file that loses what can't be written."""

    def write(self, data: Any) -> int:
        """Writes what can be written, and says that it wrote everything."""
        written: int | None = None  # As where a stream that does not wait is full.
        with suppress(OSError):
            written = super().write(data)
        return len(memoryview(data).cast("B")) if written is None else written


def open_stream(descriptor: int, encoding: str | None = None, closefd: bool = True) -> TextIO:
    """Opens a file descriptor for text that may be lost.

    Args:
        descriptor: What to write to.
        encoding: UTF-8 where none is given.
        closefd: Whether the descriptor is closed with the stream.

    Returns:
        A stream whose writing never fails.
    """
    buffer = io.BufferedWriter(_LossyFile(descriptor, "w", closefd=closefd))
    return io.TextIOWrapper(buffer, encoding or "utf-8", _ERRORS, line_buffering=True)


def use_lossy_output() -> None:
    """Lets standard output and error lose text rather than fail, for the rest of the process."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file that is opened becomes standard output.
            os.open(os.devnull, os.O_RDWR)
    for number, name in ((1, "stdout"), (2, "stderr")):
        encoding = getattr(getattr(sys, name), "encoding", None)
        setattr(sys, name, open_stream(number, encoding, closefd=False))


@contextmanager
def quiet(log_path: str) -> Iterator[TextIO]:
    """Sends what libraries print to a file, and gives the original standard output.

    TensorFlow and Beam write to the file descriptors themselves, so these are redirected.

    Args:
        log_path: The file; appended to.

    Yields:
        A stream to the original standard output, whose writing never fails.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    stream = open_stream(os.dup(1), sys.stdout.encoding)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        yield stream
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, original in enumerate(saved, start=1):
            os.dup2(original, number)
            os.close(original)
        os.close(log)
        stream.close()
