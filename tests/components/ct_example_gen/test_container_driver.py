"""The driver in a container sees what the driver on this machine sees, at the root of the run."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.ct_example_gen import container_driver
from components.ct_example_gen.driver import input_config
from lungct.storage import StorageError
from tests.components.ct_example_gen.test_driver import fingerprint, request_of
from tests.lungct.luna16 import make_root

SPEC = {"parameters": {"request": {"parameterType": "STRING"}}}


def answer(folder: Path, values: dict[str, str], schema_21: bool = False) -> dict[str, Any]:
    """What the driver writes for a task."""
    path = folder / "task" / "executor_output.json"
    kind = {"schemaTitle": "tfx.Examples"}
    examples = {"artifacts": [{"name": "e", "type": kind, "uri": str(folder / "examples")}]}
    old = {"parameters": {key: {"stringValue": one} for key, one in values.items()}}
    task = {
        "inputs": {"parameterValues": values} if schema_21 else old,
        "outputs": {"artifacts": {"examples": examples}, "outputFile": str(path)},
    }
    given = ["--json_serialized_invocation_args", json.dumps(task), "--runner=DataflowRunner"]
    if schema_21:
        given += ["--json_serialized_inputs_spec_args", json.dumps(SPEC)]
    container_driver.main(given)
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("schema_21", [False, True])
def test_the_fingerprint_is_that_of_this_machine(schema_21: bool, tmp_path: Path) -> None:
    request = request_of(make_root(tmp_path / "a", {"1.1": "p"}))
    found = answer(tmp_path, {"request": request.to_json()}, schema_21)
    values = found["parameterValues"]
    assert values["input_fingerprint"] == fingerprint(request)
    assert values["span"] == 0
    splits = json.loads(values["input_config"])["splits"]
    _, files = input_config(request)
    assert [one["pattern"] for one in splits] == [one.pattern for one in files.splits]
    (examples,) = found["artifacts"]["examples"]["artifacts"]
    assert examples["name"] == "e"
    assert examples["metadata"]["input_fingerprint"] == fingerprint(request)


def test_a_change_within_a_second_is_seen(tmp_path: Path) -> None:
    request = request_of(make_root(tmp_path / "a", {"1.a": "p"})).to_json()
    voxels = tmp_path / "a" / "subset0" / "1.a.raw"
    before = answer(tmp_path, {"request": request})["parameterValues"]["input_fingerprint"]
    stat = voxels.stat()
    os.utime(voxels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    after = answer(tmp_path, {"request": request})["parameterValues"]["input_fingerprint"]
    assert after != before


def test_the_data_root_of_the_run_is_watched(tmp_path: Path) -> None:
    a, b = (make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "ab")
    request = request_of(a).to_json()
    compiled = answer(tmp_path, {"request": request})
    of_run = answer(tmp_path, {"request": request, "data_root": b})
    named = [one["parameterValues"]["input_fingerprint"] for one in (compiled, of_run)]
    assert named == [fingerprint(request_of(a)), fingerprint(request_of(b))]
    assert named[0] != named[1]


def test_a_folder_that_is_gone_stops_the_task(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        answer(tmp_path, {"request": request_of(str(tmp_path / "nowhere")).to_json()})
