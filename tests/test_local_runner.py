"""Wrong arguments are answered at once, in one line that names what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

import local_runner
from tests.usage import assert_refused

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--dat", "x"], "unrecognized arguments: --dat x; nearest valid argument: --data"),
        (["--data"], "argument --data: expected one argument"),
        (["--data", "nowhere"], "--data: expected a folder of scans, got nowhere"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: expected a YAML file"),
        (["--set", "training.epoch=3"], "nearest valid key: training.epochs"),
        (["--config", "configs/vertex.yaml"], "use kubeflow_runner.py"),
        (["--output", "x[1]"], "--output: expected a path without *, ?, [ and ], got /"),
        (["--set", "data.roots=[a*]"], "data.roots: expected a path without *, ?, [ and ], got "),
        (["--output", "/proc/nowhere"], "--output: can't write to /proc/nowhere"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert_refused(local_runner.main, arguments, expected, capsys)


def test_a_second_run_in_the_same_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with local_runner.lock_output(str(tmp_path)):
        assert local_runner.main(["--output", str(tmp_path)]) == 2
    assert "another run is using" in capsys.readouterr().err


def test_help_names_the_exit_statuses() -> None:
    run = subprocess.run(
        [sys.executable, "local_runner.py", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for words in ("0 blessed and pushed", "3 trained but not", "4 data refused"):
        assert words in run.stdout
