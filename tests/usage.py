"""What every runner does with a command line that is wrong."""

from collections.abc import Callable, Sequence

import pytest


def assert_refused(
    main: Callable[[Sequence[str]], int],
    arguments: Sequence[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Asserts exit status 2 and one line on standard error that holds the expected text."""
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    shown = capsys.readouterr().err
    assert status == 2
    assert expected in shown
    assert len(shown.splitlines()) == 1
