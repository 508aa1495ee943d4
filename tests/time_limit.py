"""A limit on how long something may take, for what must never hang."""

import contextlib
import signal
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Fails where the work takes longer; what fails a test is no error that the work catches."""

    def stop(*_: object) -> None:
        pytest.fail(f"expected an end within {seconds} s, got none")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
