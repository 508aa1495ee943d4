"""ReportGen as a component: its spec, and its executor on artifacts."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Predictions, Report, ScanRecords
from components.report_gen import Executor, ReportGen
from lungct.grid import Grid
from schema.criteria import criteria_to_json
from tests.components.made_models import save_model
from tests.components.made_run import CONFIGURATION, PASSED, MadeNodule, MadeScan, write_run

PROPERTIES = {
    "configuration": CONFIGURATION,
    "criteria": criteria_to_json(PASSED),
    "code_hash": "f00d",
    "trainer_code_hash": "c0ffee",
    "probability_threshold": 0.5,
    "evaluated_model": "",
}
TYPES = {
    "examples": standard_artifacts.Examples,
    "rows": standard_artifacts.Examples,
    "predictions": Predictions,
    "evaluation": standard_artifacts.ModelEvaluation,
    "blessing": standard_artifacts.ModelBlessing,
    "scans": ScanRecords,
}
OPTIONAL = {
    "model_run": standard_artifacts.ModelRun,
    "model": standard_artifacts.Model,
    "baseline_model": standard_artifacts.Model,
    "passed_over": standard_artifacts.Model,
}


def artifact(kind: Any, uri: Path) -> Any:
    one = kind()
    one.uri = str(uri)
    return one


def inputs_of(folder: Path, kinds: dict[str, Any]) -> dict[str, list[types.Artifact]]:
    """Artifacts of a made-up run."""
    scan = MadeScan("a", "eval", (MadeNodule("1", (5, 30, 30), 4.2, "3-6"),))
    write_run(folder, [scan, MadeScan("b", "train")])
    inputs = {name: [artifact(kind, folder / name)] for name, kind in kinds.items()}
    splits = {"examples": ["train", "train-index", "eval", "eval-index"], "rows": ["train", "eval"]}
    for name, names in splits.items():
        inputs[name][0].split_names = artifact_utils.encode_split_names(names)
    return inputs


def written(folder: Path, inputs: dict[str, list[types.Artifact]]) -> dict[str, Any]:
    """The summary of a report."""
    output = artifact(Report, folder / "report")
    Executor().Do(inputs, {"report": [output]}, dict(PROPERTIES))
    assert (folder / "report" / "report.html").stat().st_size > 10_000
    summary: dict[str, Any] = json.loads((folder / "report" / "summary.json").read_text())
    return summary


@pytest.mark.parametrize("kinds", [TYPES, {**TYPES, **OPTIONAL}])
def test_wiring(kinds: dict[str, Any]) -> None:
    channels = {name: types.Channel(type=kind) for name, kind in kinds.items()}

    component = ReportGen(**PROPERTIES, **channels)

    assert component.outputs["report"].type is Report
    assert set(component.inputs) == set(kinds)
    assert component.exec_properties == PROPERTIES


def test_executor_writes_the_report(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, {**TYPES, **OPTIONAL})
    save_model(tmp_path / "model", 0)
    # As TFX gives an optional input that nothing was found for.
    inputs["baseline_model"] = []
    other = save_model(tmp_path / "passed_over", 0, Grid((9.0, 2.0, 1.0)))

    summary = written(tmp_path, inputs)

    assert (summary["name"], summary["trainer_code_hash"]) == ("made-up run", "c0ffee")
    assert [row["criterion"] for row in summary["gate"]] == [PASSED[0].text]
    assert summary["history"]["kept_epoch"] == 2
    card = json.loads((tmp_path / "report" / "model_card.json").read_text())
    assert card["lineage"]["model"] is not None
    assert card["lineage"]["compared_with"] is None
    (line,) = summary["passed_over"]
    assert line.startswith(f"not compared with the blessed model in {other}/Format-Serving: ")
    assert line.endswith("got 9.0, 2.0, 1.0")


def test_executor_without_what_is_optional(tmp_path: Path) -> None:
    summary = written(tmp_path, inputs_of(tmp_path, TYPES))

    assert summary["history"] is None
    assert (summary["passed_over"], summary["evaluated_model"]) == ([], "")
