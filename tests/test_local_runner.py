"""Wrong arguments are answered at once, in one line that names what is wrong."""

from pathlib import Path

import pytest

import local_runner
from runner.usage import lock_output
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
        (["--config", "configs/nodules.yaml"], "got none with data.region volume and data.truth"),
        (["--config", "configs/mixed.yaml"], "expected data roots, since a phantom is no crop"),
        (["--set", "training.shares={phantom: 0.5}"], "got phantom: 0.5; --data names data"),
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
    with lock_output(str(tmp_path)):
        assert local_runner.main(["--output", str(tmp_path)]) == 2
    assert "another run is using" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ("0 blessed and pushed", "3 trained but not", "4 data refused", "evaluate --help")),
        (["evaluate"], ("0 gate passed", "3 gate not passed", "4 data refused", "--model DIR")),
        (["report"], ("0 made", "RUN is no finished run")),
        (["compare"], ("0 compared", "RUN_B minus RUN_A", "--json")),
        (["clean"], ("--keep N",)),
    ],
)
def test_help_names_the_exit_statuses(
    command: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        local_runner.main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in words)
    assert ("usage: " + " ".join(["local_runner.py", *command])) in text
