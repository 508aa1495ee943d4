"""What drivers in containers tell Vertex AI's cache."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components import last_blessed_driver
from components.blessed_models import record_blessed
from components.ct_example_gen import container_driver
from components.ct_example_gen.driver import Driver, input_config
from components.ct_example_gen.request import Request
from lungct.grid import Grid
from lungct.roots import DataRoot
from schema.hyperparameters import Intensity
from schema.splits import SplitRule
from tests.components.test_last_blessed import GRID, facts, model
from tests.lungct.luna16 import make_root

DATAFLOW = ["--runner=DataflowRunner", "--project=P"]


def artifact(title: str, uri: str = "/x") -> dict[str, Any]:
    return {"artifacts": [{"name": "a/1", "type": {"schemaTitle": title}, "uri": uri}]}


def invocation(folder: Path, **parts: Any) -> dict[str, Any]:
    outputs = {"artifacts": parts.get("outputs", {}), "outputFile": str(folder / "t" / "out.json")}
    inputs = {"artifacts": parts.get("inputs", {})}
    return {"inputs": {**inputs, **parts.get("parameters", {})}, "outputs": outputs}


def answer(main: Any, content: dict[str, Any], *more: str) -> dict[str, Any]:
    main(["--json_serialized_invocation_args", json.dumps(content), *more, *DATAFLOW])
    answered: dict[str, Any] = json.loads(Path(content["outputs"]["outputFile"]).read_text())
    return answered


def ingest(folder: Path, legacy: bool = True) -> dict[str, Any]:
    request = Request(
        (DataRoot(str(folder / "data")),),
        SplitRule(eval_fraction=0.5),
        Grid((6.0, 5.0, 4.0)),
        Intensity(),
    )
    base, files = input_config(request)
    values = {"request": request.to_json()}
    wrapped = {key: {"stringValue": value} for key, value in values.items()}
    parameters = {"parameters": wrapped} if legacy else {"parameterValues": values}
    outputs = {"examples": artifact("tfx.Examples")}
    content = invocation(folder, parameters=parameters, outputs=outputs)
    spec = [] if legacy else ["--json_serialized_inputs_spec_args", "{}"]
    got = answer(container_driver.main, content, *spec)
    processor = Driver(None).get_input_processor(files.splits, None, base)
    span, version = processor.resolve_span_and_version()
    expected = processor.get_input_fingerprint(span, version)
    assert got["parameterValues"]["input_fingerprint"] == expected
    return got


@pytest.mark.parametrize("legacy", [True, False])
def test_ingest_has_the_fingerprint_that_it_has_on_this_machine(
    tmp_path: Path, legacy: bool
) -> None:
    make_root(tmp_path / "data", {"1.a": "p"})
    got = ingest(tmp_path, legacy)
    (examples,) = got["artifacts"]["examples"]["artifacts"]
    assert examples["name"] == "a/1"
    assert examples["metadata"]["input_fingerprint"] == got["parameterValues"]["input_fingerprint"]


def test_a_change_within_a_second_is_seen(tmp_path: Path) -> None:
    make_root(tmp_path / "data", {"1.a": "p"})
    before = ingest(tmp_path)["parameterValues"]["input_fingerprint"]
    voxels = tmp_path / "data" / "subset0" / "1.a.raw"
    stat = voxels.stat()
    os.utime(voxels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert ingest(tmp_path)["parameterValues"]["input_fingerprint"] != before


def test_a_newly_blessed_model_changes_what_would_be_picked(tmp_path: Path) -> None:
    candidate, other = (model(number, tmp_path, facts(GRID)) for number in (1, 2))
    record = str(tmp_path / "record")
    parameters = {"parameters": {"folder": {"stringValue": record}}}
    inputs = {"candidate": artifact("tfx.Model", candidate.uri)}
    content = invocation(tmp_path, inputs=inputs, parameters=parameters)
    assert answer(last_blessed_driver.main, content)["parameterValues"] == {"picked": "[[], []]"}
    record_blessed(record, other.uri)
    picked = answer(last_blessed_driver.main, content)["parameterValues"]["picked"]
    assert json.loads(picked) == [[other.uri], []]
