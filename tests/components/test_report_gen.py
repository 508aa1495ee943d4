"""ReportGen as a component: its spec, and its executor on artifacts."""

import json
from pathlib import Path
from typing import Any

from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Predictions, Report, ScanRecords
from components.report_gen import Executor, ReportGen
from schema.criteria import criteria_to_json
from tests.components.made_run import CONFIGURATION, PASSED, MadeNodule, MadeScan, write_run

PROPERTIES = {
    "configuration": CONFIGURATION,
    "criteria": criteria_to_json(PASSED),
    "code_hash": "f00d",
    "trainer_code_hash": "c0ffee",
    "probability_threshold": 0.5,
}
TYPES = {
    "examples": standard_artifacts.Examples,
    "predictions": Predictions,
    "model_run": standard_artifacts.ModelRun,
    "evaluation": standard_artifacts.ModelEvaluation,
    "blessing": standard_artifacts.ModelBlessing,
    "scans": ScanRecords,
}


def artifact(kind: Any, uri: Path) -> Any:
    one = kind()
    one.uri = str(uri)
    return one


def test_wiring() -> None:
    channels = {name: types.Channel(type=kind) for name, kind in TYPES.items()}

    component = ReportGen(**PROPERTIES, **channels)

    assert component.outputs["report"].type is Report
    assert set(component.inputs) == set(TYPES)
    assert component.exec_properties == PROPERTIES


def test_executor_writes_the_report(tmp_path: Path) -> None:
    scan = MadeScan("a", "eval", (MadeNodule("1", (5, 30, 30), 4.2, "3-6"),))
    write_run(tmp_path, [scan, MadeScan("b", "train")])
    inputs = {name: [artifact(kind, tmp_path / name)] for name, kind in TYPES.items()}
    splits = ["train", "train-index", "eval", "eval-index"]
    inputs["examples"][0].split_names = artifact_utils.encode_split_names(splits)
    output = artifact(Report, tmp_path / "report")

    Executor().Do(inputs, {"report": [output]}, dict(PROPERTIES))

    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert (summary["name"], summary["trainer_code_hash"]) == ("made-up run", "c0ffee")
    assert [row["criterion"] for row in summary["gate"]] == [PASSED[0].text]
