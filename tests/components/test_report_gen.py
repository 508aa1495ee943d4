"""ReportGen as a component: its spec, and its executor on artifacts."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components import report_gen
from components.artifacts import Predictions, Report, ScanRecords
from components.report_gen import Executor, ReportGen
from lungct.grid import Grid
from schema.criteria import Comparison, Criterion, criteria_to_json
from schema.run_parameters import named_criteria_json
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


def test_values_of_the_run_are_shown_in_place_of_those_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(report_gen, "write_report", lambda *given: seen.append(given[1]))
    configuration = {
        "training": {"epochs": 10},
        "data": {"roots": [{"path": "gs://a"}]},
        "gate": {"dice": {"at_least": 0.7, "at_most": None}},
    }
    criterion = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.7)
    compiled = {
        **PROPERTIES,
        "configuration": json.dumps(configuration),
        "criteria": named_criteria_json({"dice": criterion}),
    }
    run = {"epochs": 3, "data_root": "gs://b", "gate_bounds": '{"dice": 0.5}'}
    inputs, output = inputs_of(tmp_path, TYPES), {"report": [artifact(Report, tmp_path / "report")]}
    for given in (compiled, {**compiled, **run}):
        Executor().Do(inputs, output, given)
    before, after = seen
    assert before.configuration == compiled["configuration"] and before.criteria == (criterion,)
    shown = json.loads(after.configuration)
    assert (shown["training"]["epochs"], shown["data"]["roots"]) == (3, [{"path": "gs://b"}])
    assert shown["gate"]["dice"]["at_least"] == 0.5
    assert [one.bound for one in after.criteria] == [0.5]
