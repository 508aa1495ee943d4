"""Libraries are kept out of what a person sees, and output never decides how a run ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.streams import open_stream

ROOT = Path(__file__).resolve().parent.parent.parent
CHATTY = """
import sys
from runner.streams import quiet, use_lossy_output
use_lossy_output()
print("Dice \\u2265 0.8 \\u2013 " + "x" * 100_000)
with quiet(sys.argv[1]) as stream:
    print("for the log")
    for number in range(1000):
        stream.write(f"line \\u2265 {number}\\n")
sys.stderr.write("a warning\\n" * 10_000)
open(sys.argv[1] + ".end", "w").write("reached")
sys.exit(3)
"""


def test_what_libraries_print_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import os
from runner.streams import quiet
with quiet({str(log)!r}) as stream:
    os.write(1, b"from a library\\n"); os.write(2, b"and its warning\\n")
    stream.write("for the person\\n")
print("after")
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert run.stdout == "for the person\nafter\n"
    assert run.stderr == ""
    assert log.read_text() == "from a library\nand its warning\n"


def run_chatty(
    log: Path, redirection: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Runs a process that writes much; the shell redirects it."""
    return subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" "$2" {redirection}', sys.executable, CHATTY, str(log)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "redirection",
    [
        "2>&1 | head -c 5; exit ${PIPESTATUS[0]}",
        "> /dev/full 2>&1",
        ">&- 2>&-",
        "<&- >&- 2>&-",
        "2>&-",
    ],
)
def test_a_process_ends_alike_whoever_reads(redirection: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run_chatty(log, redirection).returncode == 3
    assert log.with_suffix(".end").read_text() == "reached"
    assert log.read_text() == "for the log\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_signs_that_a_terminal_lacks_are_replaced(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shown = run_chatty(tmp_path / "log", "", **environment)
    assert shown.returncode == 3
    assert shown.stdout.startswith("Dice >= 0.8 - x")
    assert shown.stdout.splitlines()[-1] == "line >= 999"


def test_what_has_no_plain_form_becomes_a_question_mark(tmp_path: Path) -> None:
    path = tmp_path / "out"
    stream = open_stream(os.open(path, os.O_WRONLY | os.O_CREAT), "ascii")
    print("a − b, é, \udcff", file=stream)
    stream.close()
    assert path.read_bytes() == b"a - b, ?, ?\n"


def test_a_full_pipe_that_nobody_waits_for_loses_text() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stream = open_stream(writer)
    for _ in range(100):
        stream.write("x" * 10_000 + "\n")
    stream.close()
    assert os.read(reader, 3) == b"xxx"
    os.close(reader)


def test_what_can_not_be_read_stays_an_error() -> None:
    with pytest.raises(UnicodeDecodeError, match="can't decode byte 0xff"):
        b"\xff".decode("ascii", "noduleflow-plain")
