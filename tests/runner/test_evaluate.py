"""`local_runner.py evaluate`: what it refuses at once, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import local_runner
from pipeline.evaluation import EvaluatedModel, evaluation_config
from runner.commands.evaluate import read_model, refuse_training_run
from runner.local_evaluation import LocalEvaluation
from runner.usage import UsageError
from schema import outputs
from schema.files import DATA_FILE, SUMMARY_FILE, WARNINGS_FILE
from schema.gate import GateRow, Verdict
from schema.model_facts import DataFacts, ModelFacts
from tests.components.made_models import GRID, save_model
from tests.runner.finished_run import ROOT, demo
from tests.runner.made_finished import CRITERION, write_finished
from tests.usage import assert_refused

FACTS = ModelFacts(
    GRID,
    (-1000, 400),
    probability_threshold=0.5,
    stride=8,
    data=DataFacts(("spheres",), ("lung",), "", "d1", {"train": ("a", "b"), "eval": ("c",)}),
    code_hash="c0ffee",
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Versions of a model, of which the second is the newest."""
    for version in ("9", "10"):
        made = Path(save_model(tmp_path / "made" / version, 0))
        (tmp_path / "versions").mkdir(exist_ok=True)
        (made / "Format-Serving").rename(tmp_path / "versions" / version)
    return tmp_path / "versions"


def test_the_newest_version_is_taken_or_the_one_that_is_named(model: Path) -> None:
    assert read_model(str(model)).folder == str(model / "10")
    assert read_model(str(model / "9")).folder == str(model / "9")
    assert read_model(str(model)).facts.grid == GRID


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "evaluate: the following arguments are required: --model"),
        (["--model", "m", "--dat", "x"], "unrecognized arguments: --dat x; nearest valid"),
        (["--model", "m"], "--data: expected a folder of scans, got none in configs/demo.yaml"),
        (["--model", "m", "--data", "nowhere"], "expected a folder of scans, got nowhere"),
        (["--model", "m", "--data", ".", "--config", "configs/vertex.yaml"], "kubeflow_runner"),
        (["--model", "nowhere", "--data", "."], "--model: expected a folder of a pushed model"),
        (["--model", "docs", "--data", "."], "--model: expected saved_model.pb, or numbered"),
    ],
)
def test_usage(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert_refused(local_runner.main, ["evaluate", *arguments], expected, capsys)


def test_a_model_without_facts_is_refused(model: Path) -> None:
    (model / "10" / "model.json").unlink()
    with pytest.raises(UsageError, match=r"--model: expected model.json beside the model"):
        read_model(str(model))


def test_a_gate_that_nothing_is_left_of_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    gate = "gate={drop: {metric: pooled_dice, kind: change, at_least: 0}}"
    arguments = ["evaluate", "--model", str(model), "--data", ".", "--set", gate]
    assert_refused(local_runner.main, arguments, "on a figure of the eval split of data", capsys)


def test_the_record_of_a_training_run_is_not_replaced(tmp_path: Path) -> None:
    trained = write_finished(tmp_path / "trained", [])
    with pytest.raises(UsageError, match=f"a folder without a run that trained, got {trained}"):
        refuse_training_run(str(trained))
    refuse_training_run(str(write_finished(tmp_path / "judged", [], evaluated_model={"path": "m"})))
    refuse_training_run(str(tmp_path / "new"))
    (tmp_path / "run.json").write_text("{")
    refuse_training_run(str(tmp_path))


def summary(blessed: bool) -> dict[str, Any]:
    figure, verdict = (0.875, Verdict.PASS) if blessed else (0.5, Verdict.FAIL)
    gate = [GateRow(CRITERION, figure, verdict).to_json()]
    return {"blessed": blessed, "metrics": [], "gate": gate, "data": {"crops": 2}}


@pytest.fixture
def end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Ends an evaluation of which the steps are made up: exit status, console, run.json."""

    def run_pipeline(run: LocalEvaluation) -> None:
        run._record.outputs.update(
            {name: str(tmp_path) for name in (outputs.REPORT, outputs.SCANS, outputs.EXAMPLES)}
        )
        run._tell_of_scans()

    def end(blessed: bool, patients: tuple[str, ...]) -> tuple[int, str, dict[str, Any]]:
        data = DataFacts(("spheres",), ("lung",), patients={"eval": patients})
        (tmp_path / DATA_FILE).write_text(data.to_json())
        (tmp_path / SUMMARY_FILE).write_text(json.dumps(summary(blessed)))
        (tmp_path / WARNINGS_FILE).write_text('{"warnings": ["line 3 repeats line 2"]}')
        monkeypatch.setattr(LocalEvaluation, "_prepare_data", lambda run: None)
        monkeypatch.setattr(LocalEvaluation, "_run_pipeline", run_pipeline)
        config, notes = evaluation_config(demo(tmp_path / "out"), FACTS)
        status = LocalEvaluation(config, EvaluatedModel("/models/7", FACTS), notes).run()
        return status, capfd.readouterr().out, json.loads((tmp_path / "out/run.json").read_text())

    return end


def test_a_passed_gate_ends_well_and_pushes_nothing(end: Callable[..., Any]) -> None:
    status, console, record = end(True, ("x", "y"))
    assert status == record["exit_status"] == 0
    assert "evaluation of        /models/7" in console
    assert "The gate is passed." in console and "pushed" not in console
    assert "note: the working grid is that of the model, 2.5 × 2 × 1 mm" in console
    assert "note: left out of the gate, as there is no model to compare with: no_worse" in console
    assert "of crops in 2 scans" in console
    assert record["pushed_path"] is None and record["blessed"] is True
    assert record["evaluated_model"] == {
        "path": "/models/7",
        "code_hash": "c0ffee",
        "data_sha256": "d1",
        "seen_patients": {},
    }
    assert record["configuration"]["grid"]["spacing_mm"] == [2.5, 2.0, 1.0]
    assert record["warnings"] == ["line 3 repeats line 2"]


def test_a_missed_gate_says_by_how_much_and_which_patients_were_known(
    end: Callable[..., Any],
) -> None:
    status, console, record = end(False, ("a", "x", "c"))
    assert status == record["exit_status"] == 3
    assert "The gate is not passed." in console
    assert "measured 0.500, 0.250 below the bound of 0.750" in console
    assert record["evaluated_model"]["seen_patients"] == {"train": 1, "eval": 1}
    known = "2 of 3 patients were in the data of the model (1 in its train split, 1 in its eval"
    assert f"warning: {known}" in console
    assert record["warnings"][0].startswith(known) and len(record["warnings"]) == 2
