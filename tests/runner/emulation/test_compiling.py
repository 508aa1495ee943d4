"""Compiling a configuration of this machine as if its data lay in a bucket."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.loading import load_config
from runner.emulation.compiling import LOCAL_PATHS, STAND_IN, Order, compile_job
from runner.emulation.machines import Machine
from runner.emulation.tasks import TaskError

DEMO = "configs/demo.yaml"


def compiled(folder: Path, overrides: list[str], phantom: str = "") -> list[str]:
    """The overrides that `compile` is called with."""
    noted = folder / "noted"
    tool = folder / "tool"
    tool.write_text(f'#!/bin/sh\nfor one in "$@"; do echo "$one" >> {noted}; done\n')
    tool.chmod(0o755)
    config = load_config(DEMO, overrides)
    data = config.data.add_phantom(phantom) if phantom else config.data
    order = Order(DEMO, overrides, config, data)
    compile_job(order, "/job.json", str(folder / "log"), Machine(prefix=(str(tool),)))
    words = noted.read_text().splitlines()
    assert words[:3] == ["python", "kubeflow_runner.py", "compile"]
    assert words[words.index("--output") + 1] == "/job.json"
    return [words[n + 1] for n, word in enumerate(words) if word == "--set"]


def roots(given: list[str]) -> list[dict[str, Any]]:
    (text,) = (one for one in given if one.startswith("data.roots="))
    found: list[dict[str, Any]] = json.loads(text.partition("=")[2])
    return found


def test_a_phantom_seems_to_lie_in_a_bucket(tmp_path: Path) -> None:
    given = compiled(tmp_path, ["training.epochs=3"], phantom="/x/phantom")
    assert {"training.epochs=3", "data.with_phantom=false", *STAND_IN} < set(given)
    (root,) = roots(given)
    assert root["path"] == "gs://noduleflow-emulated/local/x/phantom"
    ((old, new),) = LOCAL_PATHS.items()
    assert root["path"].replace(old, new) == "/x/phantom"


def test_what_the_emulation_sets_takes_the_place_of_what_was_given(tmp_path: Path) -> None:
    given = compiled(
        tmp_path,
        ["data.roots=[/a, {path: /b, truth: lidc, outlines: [/o]}]", "data.checksums=/a/sums"],
    )
    keys = [one.partition("=")[0] for one in given]
    assert len(keys) == len(set(keys))
    assert "data.checksums=gs://noduleflow-emulated/local/a/sums" in given
    assert [(root["path"], root["outlines"]) for root in roots(given)] == [
        ("gs://noduleflow-emulated/local/a", []),
        ("gs://noduleflow-emulated/local/b", ["gs://noduleflow-emulated/local/o"]),
    ]


def test_a_bucket_stays_one_and_a_platform_too(tmp_path: Path) -> None:
    vertex = [one.replace("noduleflow-emulated", "mine") for one in STAND_IN]
    given = compiled(tmp_path, ["data.roots=[gs://mine/luna16]", *vertex])
    assert roots(given)[0]["path"] == "gs://mine/luna16"
    assert sum(one.startswith("vertex.") for one in given) == len(vertex)
    assert set(vertex) < set(given)


def test_the_folders_that_are_read_are_named() -> None:
    config = load_config(DEMO, ["data.roots=[/a]", "data.checksums=/s/sums"])
    folders = Order("configs/demo.yaml", [], config, config.data).folders()
    assert folders == ("/a", str(Path("configs").resolve()), "/s")


def test_a_compile_that_fails_is_an_error(tmp_path: Path) -> None:
    config = load_config(DEMO)
    machine = Machine(prefix=("false",))
    with pytest.raises(TaskError, match="it ended with exit status 1"):
        compile_job(Order(DEMO, [], config, config.data), "/j", str(tmp_path / "log"), machine)
