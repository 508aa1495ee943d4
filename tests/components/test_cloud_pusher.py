"""What is blessed goes to the endpoint or the bucket, where the run is to push."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

from components import cloud_pusher
from components.cloud_pusher import CloudPusher, Executor, ServingTooOld, copy_model
from components.pusher import Executor as LocalPusher
from components.vertex_endpoint import Destination
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts
from tests.components.made_models import GRID

ENDPOINT = Destination("p", "r", endpoint="e", serving_image="i:2.21@", serving_tensorflow=(2, 21))


def artifacts(folder: Path, blessed: bool = True, exporter: str = "2.21.0") -> tuple[Any, Any]:
    """Inputs and outputs of a Pusher."""
    model, verdict = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
    pushed = standard_artifacts.PushedModel()
    model.uri, verdict.uri, pushed.uri = (str(folder / one) for one in ("model", "ok", "pushed"))
    verdict.set_int_custom_property("blessed", int(blessed))
    place = folder / "model" / "Format-Serving"
    (place / "variables").mkdir(parents=True)
    (folder / "ok").mkdir()
    (folder / "ok" / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
    for name in ("saved_model.pb", "variables/variables.index"):
        (place / name).write_text(name)
    facts = ModelFacts(GRID, (-1000, 400), 0.5, 8, versions={"tensorflow": exporter})
    (place / MODEL_FILE).write_text(facts.to_json())
    return {"model": [model], "model_blessing": [verdict]}, {"pushed_model": [pushed]}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def deploy(uri: str, destination: Destination) -> str:
        found.append(uri)
        return f"models/{destination.endpoint}"

    monkeypatch.setattr(cloud_pusher, "deploy", deploy)
    return found


def push(inputs: Any, outputs: Any, destination: Destination, **parameters: str) -> Any:
    Executor().Do(inputs, outputs, {"custom_config": destination.to_json(), **parameters})
    return outputs["pushed_model"][0]


def test_a_blessed_model_is_deployed_as_a_version_that_tf_serving_loads(
    tmp_path: Path, deployed: list[str]
) -> None:
    pushed = push(*artifacts(tmp_path), ENDPOINT, push="true")
    assert deployed == [str(tmp_path / "pushed")]
    assert (tmp_path / "pushed" / "1" / "saved_model.pb").exists()
    assert (tmp_path / "pushed" / "1" / MODEL_FILE).exists()
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == "models/e"


@pytest.mark.parametrize(("blessed", "switch"), [(False, "true"), (True, "false")])
def test_nothing_is_pushed_that_is_not_blessed_or_not_to_be(
    blessed: bool, switch: str, tmp_path: Path, deployed: list[str]
) -> None:
    bucket = Destination("p", "r", bucket=str(tmp_path / "bucket"))
    inputs, outputs = artifacts(tmp_path, blessed)
    for destination in (ENDPOINT, bucket):
        pushed = push(inputs, outputs, destination, push=switch)
        assert pushed.get_int_custom_property("pushed") == 0
    assert not deployed and not (tmp_path / "bucket").exists()


def test_on_this_machine_the_switch_counts_too(tmp_path: Path) -> None:
    destination = f'{{"filesystem": {{"base_directory": "{tmp_path / "serving"}"}}}}'
    inputs, outputs = artifacts(tmp_path)
    LocalPusher().Do(inputs, outputs, {"push_destination": destination, "push": "false"})
    assert not (tmp_path / "serving").exists()
    LocalPusher().Do(inputs, outputs, {"push_destination": destination, "push": "true"})
    assert len(list((tmp_path / "serving").iterdir())) == 1


def test_a_switch_that_is_neither_is_refused(tmp_path: Path, deployed: list[str]) -> None:
    with pytest.raises(ValueError, match="expected push to be true or false, got 'maybe'"):
        push(*artifacts(tmp_path), ENDPOINT, push="maybe")
    assert not deployed


@pytest.mark.parametrize("exporter", ["2.22.0", "3.0.1"])
def test_a_serving_container_older_than_the_exporter_is_refused(
    exporter: str, tmp_path: Path, deployed: list[str]
) -> None:
    expected = f"expected a serving image of TensorFlow {exporter} or newer, got 2.21: i:2.21@"
    with pytest.raises(ServingTooOld, match=expected):
        push(*artifacts(tmp_path, exporter=exporter), ENDPOINT)
    assert not deployed and not (tmp_path / "pushed" / "1").exists()
    unknown = dataclasses.replace(ENDPOINT, serving_tensorflow=None)
    push(*artifacts(tmp_path / "other", exporter=exporter), unknown)
    assert deployed


def test_a_bucket_gets_versions_that_rise(tmp_path: Path, deployed: list[str]) -> None:
    bucket = Destination("p", "r", bucket=str(tmp_path / "bucket"))
    pushed = push(*artifacts(tmp_path), bucket)
    (version,) = (tmp_path / "bucket").iterdir()
    assert version.name.isdecimal() and (version / "saved_model.pb").exists()
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert not deployed


def test_what_makes_a_version_loadable_is_copied_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts(tmp_path)
    copied: list[str] = []

    def copy(source: str, target: str, overwrite: bool) -> None:
        copied.append(Path(target).relative_to(tmp_path / "to").as_posix())

    monkeypatch.setattr(cloud_pusher.fileio, "copy", copy)
    copy_model(str(tmp_path / "model" / "Format-Serving"), str(tmp_path / "to"))
    assert copied == [MODEL_FILE, "variables/variables.index", "saved_model.pb"]


def test_what_is_no_model_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileNotFoundError, match=r"expected saved_model.pb in .*, got \['a'\]"):
        copy_model(str(tmp_path), str(tmp_path / "to"))


def test_the_component_takes_what_a_pusher_takes() -> None:
    from tfx import v1 as tfx

    model = tfx.dsl.Channel(type=standard_artifacts.Model)
    node = CloudPusher(ENDPOINT, model=model).with_id("Pusher")
    assert Destination.from_json(node.exec_properties["custom_config"]) == ENDPOINT
