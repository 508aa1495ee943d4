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


@pytest.fixture
def parser():
    made = Parser("run")
    made.add_argument("--config")
    made.add_argument("--set", action="append")
    return made


@pytest.fixture
def with_commands():
    made = Parser("run")
    commands = made.add_subparsers(dest="command", required=True, metavar="compile|submit")
    commands.add_parser("compile").add_argument("--output")
    return made


def refusal(made, arguments, capsys):
    """Exit status, and the one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        made.parse_args(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    return stop.value.code, line


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [("--conf", "--config"), ("--sett=a=1", "--set"), ("--hlep", "--help")],
)
def test_the_nearest_option_is_named(parser, argument, nearest, capsys):
    expected = f"run: unrecognized arguments: {argument}; nearest valid argument: {nearest}"
    assert refusal(parser, [argument], capsys) == (2, expected)


def test_a_word_that_is_no_option_has_none_that_is_near(parser, capsys):
    assert refusal(parser, ["data"], capsys) == (2, "run: unrecognized arguments: data")


def test_options_of_commands_count_too(with_commands, capsys):
    status, line = refusal(with_commands, ["compile", "--outptu", "x"], capsys)
    assert status == 2
    assert line.endswith("unrecognized arguments: --outptu x; nearest valid argument: --output")


def test_a_missing_value_or_command_is_one_line(parser, with_commands, capsys):
    assert refusal(parser, ["--set"], capsys) == (2, "run: argument --set: expected one argument")
    status, line = refusal(with_commands, [], capsys)
    assert (status, line) == (2, "run: the following arguments are required: compile|submit")


def test_warnings_are_beside_the_results(capsys):
    print_warnings(["one", "two"])
    assert capsys.readouterr() == ("", "warning: one\nwarning: two\n")
