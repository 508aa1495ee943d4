"""What LastBlessed's driver tells Vertex AI's cache."""

import json
from pathlib import Path
from typing import Any

from components import last_blessed_driver
from components.blessed_models import record_blessed
from tests.components.test_last_blessed import GRID, facts, model


def answer(task: dict[str, Any], path: Path) -> dict[str, Any]:
    """The parameters that the driver writes."""
    given = ["--json_serialized_invocation_args", json.dumps(task)]
    last_blessed_driver.main([*given, "--runner=DataflowRunner", "--project=P"])
    answered: dict[str, Any] = json.loads(path.read_text())["parameterValues"]
    return answered


def test_a_newly_blessed_model_changes_what_would_be_picked(tmp_path: Path) -> None:
    candidate, other = (model(number, tmp_path, facts(GRID)) for number in (1, 2))
    record, path = str(tmp_path / "record"), tmp_path / "t" / "out.json"
    kind = {"schemaTitle": "tfx.Model"}
    given = {"artifacts": [{"name": "a/1", "type": kind, "uri": candidate.uri}]}
    task = {
        "inputs": {
            "artifacts": {"candidate": given},
            "parameters": {"folder": {"stringValue": record}},
        },
        "outputs": {"artifacts": {}, "outputFile": str(path)},
    }
    assert answer(task, path) == {"picked": "[[], []]"}
    record_blessed(record, other.uri)
    assert json.loads(answer(task, path)["picked"]) == [[other.uri], []]
