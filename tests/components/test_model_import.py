"""ModelImport copies a pushed model, and only as it was when it was looked at."""

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.model_files import model_folder
from components.model_import import Executor, ModelImport
from components.pusher import list_files
from serving.served import read_facts
from tests.components.made_models import GRID, save_model


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    return Path(save_model(tmp_path / "pushed", 0)) / "Format-Serving"


def test_wiring(pushed: Path) -> None:
    component = ModelImport(str(pushed), "c0ffee")
    assert component.outputs["model"].type is standard_artifacts.Model
    assert component.exec_properties["folder"] == str(pushed)
    assert json.loads(component.exec_properties["files"]) == list_files(pushed)


def test_changed_files_are_another_model_to_the_cache(pushed: Path) -> None:
    before = ModelImport(str(pushed), "c0ffee").exec_properties
    assert ModelImport(str(pushed), "c0ffee").exec_properties == before
    with (pushed / "saved_model.pb").open("ab") as file:
        file.write(b"x")
    assert ModelImport(str(pushed), "c0ffee").exec_properties != before


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a model, got no files in"):
        ModelImport(str(tmp_path), "c0ffee")


def test_the_copy_is_where_components_look_for_a_model(pushed: Path, tmp_path: Path) -> None:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "artifact")
    component = ModelImport(str(pushed), "c0ffee")
    Executor().Do({}, {"model": [artifact]}, component.exec_properties)
    assert list_files(Path(model_folder(artifact))) == list_files(pushed)
    assert read_facts(model_folder(artifact)).grid == GRID


def test_a_model_that_changed_since_is_refused(pushed: Path, tmp_path: Path) -> None:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "artifact")
    properties = ModelImport(str(pushed), "c0ffee").exec_properties
    (pushed / "model.json").write_text("{}")
    with pytest.raises(OSError, match=r"got \['model.json'\] missing or changed in .*pushed"):
        Executor().Do({}, {"model": [artifact]}, properties)
