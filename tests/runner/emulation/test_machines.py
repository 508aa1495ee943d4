"""Commands in this Python, and inside an image by whichever tool is there."""

import io
import os
import sys
from pathlib import Path

import pytest

from runner.emulation.counterparts import LocalJob
from runner.emulation.machines import ROOT, image_machine, this_machine
from runner.emulation.parsing import parse_job
from runner.emulation.session import Session
from runner.usage import UsageError
from tests.runner.emulation.made_jobs import MODEL, made_job, python, task


def test_a_command_of_this_machine_imports_this_repository(tmp_path: Path) -> None:
    log = tmp_path / "log"
    machine = this_machine()
    line = "import runner, sys, os; print(sys.executable, runner.__file__, os.getcwd())"
    assert machine.run(["python", "-c", line], str(log)) == 0
    package = ROOT / "runner" / "__init__.py"
    assert log.read_text().split() == [sys.executable, str(package), str(ROOT)]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH; tools put there note their arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def make_tool(folder: Path, name: str, body: str = "") -> Path:
    noted = folder / f"{name}.txt"
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> {noted}\n{body}')
    path.chmod(0o755)
    return noted


def test_buildah_makes_one_container_and_removes_it(tool: Path, tmp_path: Path) -> None:
    noted = make_tool(tool, "buildah", '[ "$1" = from ] && echo made-1\nexit 0\n')
    make_tool(tool, "docker")
    with image_machine("img", "/out", ["/data", "/out/phantom"]) as machine:
        assert machine.run(["python", "-m", "m"], os.devnull) == 0
        assert machine.shared
    volumes = "--volume /out:/out --volume /data:/data:ro"
    assert noted.read_text().splitlines() == [
        "from img",
        f"run --isolation chroot {volumes} made-1 -- python -m m",
        "rm made-1",
    ]


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_podman_and_docker_run_the_command_of_the_job(tool: Path, name: str) -> None:
    noted = make_tool(tool, name)
    with image_machine("img", "/out", []) as machine:
        machine.run(["python", "-m", "m"], os.devnull)
    expected = "run --rm --volume /out:/out --entrypoint env img python -m m"
    assert noted.read_text().splitlines() == [expected]


def test_without_a_tool_no_image(tool: Path) -> None:
    with (
        pytest.raises(UsageError, match="expected one of buildah, podman, docker on PATH"),
        image_machine("img", "/out", []),
    ):
        pass


def test_an_image_that_is_not_there(tool: Path) -> None:
    make_tool(tool, "buildah", "echo first >&2; echo 'no such image' >&2; exit 125\n")
    with (
        pytest.raises(UsageError, match="--image: buildah from img: no such image"),
        image_machine("img", "/out", []),
    ):
        pass


def test_the_user_of_an_image_may_write_to_the_outputs(tool: Path, tmp_path: Path) -> None:
    make_tool(tool, "docker")
    output = tmp_path / "out"
    output.mkdir()
    job = parse_job(made_job({"a": (task(), python("pass"))}, {"a": {"model": MODEL}}))
    with image_machine("img", str(output), []) as machine:
        Session(str(output), io.StringIO()).run(LocalJob(job, {}, False), machine)
    (folder,) = output.glob("bucket/*/a/model")
    for place in (folder, folder.parent, folder.parent.parent, output / "bucket", output):
        assert place.stat().st_mode & 0o777 == 0o777, place
