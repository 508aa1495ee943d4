"""The scripts that build the image say in one line why they can't."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(ROOT / "scripts" / script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def bare_path(tmp_path: Path, **programs: str) -> str:
    """A PATH with bash's own needs and these programs alone, by what they run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "sh", "dirname", "sed", "cut", "cat"):
        (folder / name).symlink_to(f"/bin/{name}")
    for name, text in programs.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return str(folder)


def test_a_machine_without_a_builder_is_told(tmp_path: Path) -> None:
    done = run("image.sh", PATH=bare_path(tmp_path), ENGINE="")
    assert done.returncode == 1
    expected = "none of docker, podman and buildah works on this machine: install one"
    assert done.stderr == f"image: {expected}\n"


def test_a_builder_that_does_not_work_is_told(tmp_path: Path) -> None:
    done = run("image.sh", PATH=bare_path(tmp_path, docker="exit 1"), ENGINE="docker")
    assert (done.returncode, done.stderr) == (
        1,
        "image: ENGINE=docker does not work on this machine\n",
    )


def test_a_base_that_can_not_be_fetched_is_told(tmp_path: Path) -> None:
    path = bare_path(tmp_path, podman='[ "$1" = info ]')
    done = run("image.sh", PATH=path, ENGINE="podman")
    assert done.returncode == 1
    assert done.stderr == "image: can't pull docker.io/library/debian:trixie-slim\n"


@pytest.mark.parametrize(
    ("programs", "environment", "reason"),
    [
        ({}, {"NODULEFLOW_IMAGE_TEST": "0"}, "NODULEFLOW_IMAGE_TEST=0"),
        ({"uname": "echo Darwin arm64"}, {}, "needs Linux on x86_64, this is Darwin arm64"),
        (
            {"uname": "echo Linux x86_64", "id": "echo 1000"},
            {},
            "needs root, this is user 1000",
        ),
        (
            {"uname": "echo Linux x86_64", "id": "echo 0", "apt-get": "exit 1"},
            {},
            "no buildah, and apt-get could not install buildah",
        ),
    ],
)
def test_where_the_image_can_not_be_tested_it_says_so_and_ends_well(
    programs: dict[str, str], environment: dict[str, str], reason: str, tmp_path: Path
) -> None:
    given = {"NODULEFLOW_IMAGE_TEST": "1", **environment}
    done = run("image_test.sh", PATH=bare_path(tmp_path, **programs), **given)
    assert (done.returncode, done.stdout) == (0, f"image-test: skipped: {reason}\n")


def test_scripts_can_be_run_and_hold_nothing_of_one_machine() -> None:
    for path in sorted((ROOT / "scripts").glob("*.sh")):
        assert path.stat().st_mode & stat.S_IXUSR, path
        assert not re.search(r"/(work|root|home/(?!noduleflow))\b", path.read_text()), path
    assert not re.search(r"/(work|root)\b", (ROOT / "Dockerfile").read_text())
