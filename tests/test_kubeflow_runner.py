"""The command line of kubeflow_runner.py: what can't be done is said at once, in a line each."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import kubeflow_runner
from tests.runner.cloud.values import ARGUMENTS
from tests.usage import assert_refused

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["compile", "--config", "configs/demo.yaml", "--set", "data.roots=[gs://abc/d]"],
            "vertex",
        ),
        (["compile", *ARGUMENTS[2:], "--set", "data.roots=[]"], "expected data.roots"),
        (["compile", "--set", "vertex.regoin=x"], "nearest valid key: vertex.region"),
        (["compil"], "invalid choice"),
        (["compile", "--confg", "x"], "nearest valid argument: --config"),
        (["compile", *ARGUMENTS, "--output", "/proc/nowhere/job.json"], "/proc/nowhere"),
        (["compile", *ARGUMENTS, "--output", "tests"], "expected a file to write, got something"),
        (["compile", *ARGUMENTS, "--output", "/dev/null"], "expected a file to write"),
        (["compile", *ARGUMENTS, "--target", "beam"], "invalid choice: 'beam'"),
        (["submit", *ARGUMENTS, "--job", "nowhere.json"], "expected a compiled job, got: No such"),
        (["schedule", *ARGUMENTS], "the following arguments are required: --cron"),
        (["schedule", *ARGUMENTS, "--cron", "daily"], "--cron: expected 5 fields"),
        (["submit", "--wait", "--wait-minutes", "nan"], "expected minutes above 0, got 'nan'"),
        (["submit", "--wait", "--wait-minutes", "-1"], "expected minutes above 0, got '-1'"),
        (["submit", "--wait", "--wait-minutes", "day"], "expected minutes above 0, got 'day'"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert_refused(kubeflow_runner.main, arguments, expected, capsys)


def test_all_that_is_not_filled_in_is_said_at_once_with_its_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    output = tmp_path / "job.json"
    given = ["--set", "vertex.region=europe-west4-a", "--set", "training.epochs=many"]
    assert kubeflow_runner.main(["compile", "--output", str(output), *given]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert not output.exists()
    for key, text in (
        ("data", "got the placeholder gs://BUCKET-scans/luna16"),
        ("vertex.project", "got the placeholder PROJECT"),
        ("vertex.image", "sha256:DIGEST"),
        ("vertex.pipeline_root", "got the placeholder gs://BUCKET/noduleflow"),
        ("vertex.service_account", "noduleflow@PROJECT.iam.gserviceaccount.com"),
        ("vertex.push.endpoint.serving_image", "sha256:DIGEST"),
    ):
        (found,) = [line for line in lines if f": {key}: " in line]
        assert found.startswith("kubeflow_runner.py: configs/vertex.yaml, line ")
        assert text in found
    assert any(
        "--set vertex.region=europe-west4-a: vertex.region: expected a r" in one for one in lines
    )
    assert any("--set training.epochs=many: training.epochs: input sh" in one for one in lines)
    assert len(lines) == 8


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["submit", "--help"], 0),
        (["emulate", "--help"], 0),
        (["compile"], 2),
        (["submit", "--wait"], 2),
        (["schedule", "--cron", "0 3 * * *"], 2),
        (["emulate", "--set", "training.epochs=many"], 2),
    ],
)
def test_help_and_errors_of_the_configuration_take_less_than_a_second(
    arguments: list[str], status: int
) -> None:
    """Of processor time, as others may use the machine; the best of several."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "kubeflow_runner.py", *arguments]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert ran.returncode == status and "Traceback" not in ran.stderr, ran.stderr
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if seconds[-1] < 1:
            return
    assert min(seconds) < 1


def test_commands_import_nothing_heavy_before_they_know_what_to_do() -> None:
    heavy = (
        "tfx",
        "tensorflow",
        "google.cloud.aiplatform",
        "google.api_core",
        "google.auth",
        "grpc",
    )
    code = (
        "import sys, kubeflow_runner; kubeflow_runner.main(['compile'])\n"
        f"print(*(name for name in sys.modules if name.startswith({heavy})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []


def test_what_is_interrupted_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(parsed: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(kubeflow_runner.COMMANDS["compile"], "run", interrupt)
    assert kubeflow_runner.main(["compile"]) == 130
    assert capsys.readouterr().err == "kubeflow_runner.py: interrupted\n"


def test_every_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for name, module in kubeflow_runner.COMMANDS.items():
        with pytest.raises(SystemExit):
            kubeflow_runner.main([name, "--help"])
        assert str(module.__doc__).split(",")[0] in " ".join(capsys.readouterr().out.split())
