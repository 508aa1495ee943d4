"""Processes that share work, and that end with their parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phantom import workers as workers_module
from phantom.workers import THREADS, in_processes

ROOT = Path(workers_module.__file__).parents[1]

# Each call writes its process's number and then takes longer than any test waits.
LONG_CALLS = """
import os, pathlib, signal, sys, time
from phantom.workers import in_processes

def wait(path):
    pathlib.Path(path).write_text(f"{os.getpid()} ")
    time.sleep(120)

if __name__ == "__main__":
    # Whoever started the tests may have had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    list(in_processes(wait, sys.argv[1:], 2))
"""


def run_python(*words: str, **keywords: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, *words], env=environment, text=True, **pipes, **keywords
    )  # type: ignore[call-overload,no-any-return]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(condition: object, seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_every_item_has_its_result() -> None:
    assert sorted(in_processes(abs, [-3, 2, -1], 2)) == [1, 2, 3]
    assert not multiprocessing.active_children()


def test_nothing_to_do_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "ProcessPoolExecutor", None)
    assert list(in_processes(abs, [], 2)) == []


def test_processes_have_one_thread_and_the_parent_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert list(in_processes(os.getenv, THREADS, 1)) == ["1", "1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_a_call_that_fails_says_why_in_one_line() -> None:
    with pytest.raises(RuntimeError, match=r"failed: ValueError: .*'two words'") as caught:
        list(in_processes(int, ["two words"], 1))
    assert "\n" not in str(caught.value)
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="got one that died"):
        list(in_processes(os._exit, [3], 1))


def test_an_iterator_that_is_closed_ends_its_processes() -> None:
    started = time.monotonic()
    calls = in_processes(time.sleep, [0, 600], 2)
    next(calls)
    calls.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children() and time.monotonic() - started < 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "long_calls.py"
    script.write_text(LONG_CALLS)
    marks = [tmp_path / "a", tmp_path / "b"]
    children: list[int] = []
    parent = run_python(str(script), *map(str, marks))
    try:
        assert until(lambda: all(m.exists() and m.read_text().endswith(" ") for m in marks))
        children = [int(mark.read_text()) for mark in marks]
        assert all(map(is_running, children))
        parent.send_signal(number)
        assert until(lambda: not any(map(is_running, children)))
        assert parent.wait(timeout=60) != 0
    finally:
        for pid in filter(is_running, (parent.pid, *children)):
            os.kill(pid, signal.SIGKILL)
        parent.communicate()


def test_a_main_module_without_a_file_is_refused() -> None:
    text = "from phantom.workers import in_processes\nprint(list(in_processes(abs, [-1, 2], 2)))\n"
    _, complaint = run_python("-").communicate(text, timeout=60)
    last = complaint.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: expected a main module in a file") and "<stdin>" in last


def test_a_main_module_of_one_line_works() -> None:
    text = "from phantom.workers import in_processes; print(list(in_processes(abs, [-1], 2)))"
    out, complaint = run_python("-c", text).communicate(timeout=60)
    assert out == "[1]\n", complaint
