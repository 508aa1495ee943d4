import subprocess
import sys
from pathlib import Path

import pytest

from lungct.command_line import Parser, print_warnings, run

ROOT = Path(__file__).resolve().parents[2]
PRINTS = """
import sys
from lungct.command_line import run
def work():
    print("a line")
    return 0
sys.exit(run("our.command", work))
"""


def raises(error):
    def work():
        raise error

    return work


def test_the_status_is_that_of_the_work():
    assert run("our.command", lambda: 4) == 4


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (OSError(13, "Permission denied", "a\udcffb"), 2, "[Errno 13] Permission denied"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_of_the_system_are_one_line(capsys, error, status, shown):
    assert run("our.command", raises(error)) == status
    err = capsys.readouterr().err
    assert err.startswith(f"our.command: {shown}") and err.count("\n") == 1


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run("our.command", raises(ZeroDivisionError()))


def test_output_that_nobody_reads():
    command = [sys.executable, "-c", PRINTS]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PRINTS],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == "our.command: [Errno 28] No space left on device\n"


def test_a_wrong_argument_is_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        Parser("our.command").parse_args(["--wrong"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "our.command: unrecognized arguments: --wrong\n"


def test_warnings_are_beside_the_results(capsys):
    print_warnings(["one", "two"])
    assert capsys.readouterr() == ("", "warning: one\nwarning: two\n")
