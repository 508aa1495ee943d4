"""A push is whole or not there, and one that was lost is made again."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from components.pusher import (
    Pusher,
    damaged_files,
    list_files,
    push_model,
    pushed_files,
)
from runner.local_dag import NodeResult, ObservedDagRunner

NAMES = ["assets/a.txt", "saved_model.pb", "variables/variables.index"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model artifact with three files in its serving folder."""
    folder = tmp_path / "model" / "Format-Serving"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


def test_a_push_is_a_whole_copy_under_a_number(model: Path, tmp_path: Path) -> None:
    place = push_model(model, tmp_path / "serving" / "name")
    assert place.parent == tmp_path / "serving" / "name" and place.name.isdecimal()
    assert sorted(list_files(place)) == NAMES
    assert damaged_files(place, list_files(model)) == []


def test_a_new_model_gets_a_higher_version_within_the_same_second(
    model: Path, tmp_path: Path
) -> None:
    first = push_model(model, tmp_path / "base")
    (model / "saved_model.pb").write_text("another model")
    second = push_model(model, tmp_path / "base")
    assert int(second.name) > int(first.name)


def test_the_newest_version_is_not_pushed_twice(model: Path, tmp_path: Path) -> None:
    first = push_model(model, tmp_path / "base")
    assert push_model(model, tmp_path / "base") == first
    assert [path.name for path in (tmp_path / "base").iterdir()] == [first.name]


def test_every_damage_is_found(model: Path, tmp_path: Path) -> None:
    place, expected = push_model(model, tmp_path / "base"), list_files(model)
    (place / NAMES[0]).unlink()
    (place / NAMES[1]).write_text("shorter")
    (place / NAMES[2]).write_text("content of variables/variables.indez")
    assert damaged_files(place, expected) == NAMES
    assert damaged_files(tmp_path / "nowhere", expected) == NAMES


def test_a_model_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a model to push, got no files in /"):
        push_model(tmp_path / "nowhere", tmp_path / "base")


def test_a_copy_that_fails_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copytree(source: Path, target: Path) -> None:
        target.mkdir()
        (target / NAMES[1]).write_text("half")
        raise OSError("no space left on device")

    monkeypatch.setattr(shutil, "copytree", copytree)
    with pytest.raises(OSError, match="no space left"):
        push_model(model, tmp_path / "base")
    assert list((tmp_path / "base").iterdir()) == []


def test_a_copy_that_lost_a_file_is_not_published(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copytree", lambda source, target: target.mkdir())
    with pytest.raises(OSError, match="expected a whole copy of .*, got .*saved_model.pb"):
        push_model(model, tmp_path / "base")
    assert list((tmp_path / "base").iterdir()) == []


def push_and_be_killed(model: Path, base: Path) -> int:
    """Pushes in a process of its own, killed after one file; gives the signal that ended it."""
    child = os.fork()
    if child == 0:
        copy, copytree = shutil.copy2, shutil.copytree

        def copy_one(source: str, target: str) -> None:
            copy(source, target)
            os.kill(os.getpid(), signal.SIGKILL)

        def copy_tree(source: str, target: str, *_: object, **__: object) -> None:
            copytree(source, target, copy_function=copy_one)

        shutil.copytree = copy_tree
        try:
            push_model(model, base)
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def test_a_push_killed_midway_leaves_no_version(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    assert push_and_be_killed(model, base) == signal.SIGKILL
    (left,) = base.iterdir()
    assert left.name.startswith(".partial-")
    assert len(list_files(left)) == 1
    place = push_model(model, base)
    assert list(base.iterdir()) == [place]


@pytest.fixture
def push(model: Path, tmp_path: Path) -> Callable[[bool], NodeResult]:
    """Runs a pipeline of a Pusher on a model that is there; gives what the Pusher did."""

    def run(blessed: bool = True) -> NodeResult:
        given = tfx.dsl.Importer(
            source_uri=str(model.parent), artifact_type=standard_artifacts.Model
        ).with_id("model")
        blessing = tfx.dsl.Importer(
            source_uri=str(tmp_path / f"blessing-{blessed}"),
            artifact_type=standard_artifacts.ModelBlessing,
            custom_properties={"blessed": int(blessed)},
        ).with_id("blessing")
        target = tfx.proto.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
        pusher = Pusher(
            model=given.outputs["result"],
            model_blessing=blessing.outputs["result"],
            push_destination=tfx.proto.PushDestination(filesystem=target),
        )
        connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(tmp_path / "metadata.sqlite")
        )
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="push",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[given, blessing, pusher],
            enable_cache=True,
            metadata_connection_config=connection,
        )
        results: list[NodeResult] = []
        ObservedDagRunner(lambda name: None, results.append).run(pipeline)
        return results[-1]

    return run


def destination(result: NodeResult) -> Path:
    return Path(result.outputs["pushed_model"].properties["pushed_destination"])


def test_what_was_pushed_is_recorded_and_cached(push: Callable[[], NodeResult]) -> None:
    first = push()
    assert not first.cached
    assert damaged_files(destination(first), pushed_files(first.outputs["pushed_model"].uri)) == []
    second = push()
    assert second.cached and destination(second) == destination(first)


def test_a_deleted_push_is_made_again_and_then_cached(
    push: Callable[[], NodeResult], model: Path
) -> None:
    shutil.rmtree(destination(push()))
    again = push()
    assert not again.cached
    assert damaged_files(destination(again), list_files(model)) == []
    cached = push()
    assert cached.cached and destination(cached) == destination(again)
    shutil.rmtree(destination(cached))
    assert damaged_files(destination(push()), list_files(model)) == []


def test_a_push_that_lost_one_file_is_made_again(
    push: Callable[[], NodeResult], model: Path
) -> None:
    first = push()
    (destination(first) / NAMES[2]).unlink()
    again = push()
    assert not again.cached
    assert int(destination(again).name) > int(destination(first).name)
    assert damaged_files(destination(again), list_files(model)) == []
    assert push().cached


def test_a_push_whose_record_is_lost_counts_as_lost(push: Callable[[], NodeResult]) -> None:
    first = push()
    Path(first.outputs["pushed_model"].uri, "files.json").unlink()
    again = push()
    assert not again.cached and destination(again) == destination(first)
    assert json.loads(Path(again.outputs["pushed_model"].uri, "files.json").read_text())


def test_older_versions_may_be_removed(push: Callable[[], NodeResult], model: Path) -> None:
    first = push()
    shutil.copytree(destination(first), destination(first).with_name("7"))
    shutil.rmtree(destination(first).with_name("7"))
    assert push().cached


def test_a_model_that_is_not_blessed_is_not_pushed(
    push: Callable[[bool], NodeResult], tmp_path: Path
) -> None:
    result = push(False)
    assert "pushed_destination" not in result.outputs["pushed_model"].properties
    assert not (tmp_path / "serving").exists()
