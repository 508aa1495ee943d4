"""`emulate` as a user runs it, on jobs made by hand."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import kubeflow_runner
from tests.runner.emulation.made_jobs import MODEL, answers, made_job, python, task
from tests.usage import assert_refused

ROOT = Path(__file__).resolve().parents[3]


def write(folder: Path, content: dict[str, Any]) -> str:
    path = folder / "job.json"
    path.write_text(json.dumps(content))
    return str(path)


def emulate(*arguments: str) -> tuple[int, str]:
    """Exit status and console."""
    done = subprocess.run(
        [sys.executable, "kubeflow_runner.py", "emulate", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_failed_task_is_shown_with_its_log(tmp_path: Path) -> None:
    lines = "[print(f'line {n}') for n in range(30)]; sys.exit(3)"
    tasks = {"first": (task(), python(lines)), "then": (task("first"), python("pass"))}
    status, console = emulate(write(tmp_path, made_job(tasks)), "--output", str(tmp_path / "out"))
    assert status == 1, console
    assert "it ended with exit status 3" in console
    assert "| line 29" in console and "| line 10" in console and "| line 9\n" not in console
    (log,) = (tmp_path / "out" / "logs").glob("*/first.log")
    assert len(log.read_text().splitlines()) == 30
    assert str(log) in console
    assert "not run: first failed" in console
    assert "Failed: first." in console


def test_a_second_run_comes_from_the_cache(tmp_path: Path) -> None:
    cached = {"cachingOptions": {"enableCache": True}}
    pushed = answers("pushed", pushed_destination="/serving/7")
    job = made_job({"push": (task(**cached), python(pushed))}, {"push": {"pushed": MODEL}})
    arguments = (write(tmp_path, job), "--output", str(tmp_path / "out"))
    first, second = emulate(*arguments), emulate(*arguments)
    assert (first[0], second[0]) == (0, 0), first[1] + second[1]
    assert "cached" not in first[1] and "cached" in second[1]
    assert "/serving/7" in first[1] and "/serving/7" in second[1]


def test_what_is_skipped_is_said(tmp_path: Path) -> None:
    condition = {"condition": "inputs.parameters['push'].string_value == 'yes'"}
    value = {"componentInputParameter": "push"}
    one = task(parameters={"push": value}, triggerPolicy=condition)
    job = made_job({"a": (one, python("pass"))}, parameters={"push": "STRING"})
    arguments = (write(tmp_path, job), "--output", str(tmp_path / "out"))
    status, console = emulate(*arguments, "--parameter", "push=no")
    assert status == 0
    assert f"skipped: its condition does not hold: {condition['condition']}" in console
    status, console = emulate(*arguments, "--parameter", "push=yes")
    assert status == 0 and "skipped:" not in console and "parameter push = yes" in console


@pytest.mark.parametrize(("blessed", "expected"), [(True, 0), (False, 3)])
def test_the_verdict_decides_on_the_exit_status(
    tmp_path: Path, blessed: bool, expected: int
) -> None:
    summary = {"metrics": [], "gate": [], "blessed": blessed}
    writes = (
        "uri = given['outputs']['artifacts']['report']['artifacts'][0]['uri']; "
        f"open(uri + '/summary.json', 'w').write({json.dumps(summary)!r})"
    )
    job = made_job({"ReportGen": (task(), python(writes))}, {"ReportGen": {"report": MODEL}})
    status, console = emulate(write(tmp_path, job), "--output", str(tmp_path / "out"))
    assert status == expected, console
    assert ("Blessed, not pushed." if blessed else "Not blessed, nothing pushed.") in console
    assert "ReportGen/report/report.html" in console


def test_a_stopped_emulation_says_so_and_stops_its_task(tmp_path: Path) -> None:
    flag = tmp_path / "begun"
    line = f"open({str(flag)!r}, 'w').write(str(os.getpid())); import time; time.sleep(60)"
    path = write(tmp_path, made_job({"a": (task(), python(line))}))
    output = str(tmp_path / "out")
    process = subprocess.Popen(
        [sys.executable, "kubeflow_runner.py", "emulate", path, "--output", output],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (flag.exists() and flag.read_text()):
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    console, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Interrupted; the next run takes what is finished from the cache." in console
    assert not Path(f"/proc/{flag.read_text()}").exists()


REMOTE = made_job({"a": (task(parameters={"base": "gs://other/x"}), python("pass"))})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["JOB"], "expected --local gs://PLACE=DIR for all that lies in a bucket, got a.base gs"),
        (["JOB", "--local", "gs://other=/nowhere"], "expected gs://PLACE=DIR with a folder"),
        (["JOB", "--parameter", "x=1"], "--parameter x: expected none, the job has none"),
        (["JOB", "--parameter", "x"], "expected NAME=VALUE, got 'x'"),
        (["JOB", "--parameter", "x=1", "--parameter", "x=2"], "expected each name once"),
        (["nowhere.json"], "expected a compiled PipelineJob in JSON"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--data", "nowhere"], "expected a folder of scans, got nowhere"),
        (["--config", "configs/nodules.yaml"], "--data names data"),
        (["--set", "training.epoch=3"], "nearest valid key: training.epochs"),
        (["--imag", "x"], "nearest valid argument: --image"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    path = write(tmp_path, REMOTE)
    given = [path if one == "JOB" else one for one in arguments]
    given = ["emulate", *given, "--output", str(tmp_path / "out")]
    assert_refused(kubeflow_runner.main, given, expected, capsys)


def test_a_place_in_a_bucket_is_stood_in_for(tmp_path: Path) -> None:
    (tmp_path / "data" / "x").mkdir(parents=True)
    checks = "assert os.path.isdir(given['inputs']['parameters']['base']['stringValue'])"
    job = made_job({"a": (task(parameters={"base": "gs://other/x"}), python(checks))})
    arguments = ("--output", str(tmp_path / "out"), "--local", f"gs://other={tmp_path / 'data'}")
    status, console = emulate(write(tmp_path, job), *arguments)
    assert status == 0, console
