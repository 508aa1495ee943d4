"""`local_runner.py report`: the page of a finished run is made again."""

import json
import os
import shutil
from pathlib import Path

import pytest

import local_runner
from report.build import ReportInputs, write_report
from runner.commands.report import report_inputs, report_parameters
from runner.finished import read_finished
from runner.usage import lock_output
from schema import outputs
from tests.components.made_run import PARAMETERS, MadeNodule, MadeScan, write_run
from tests.runner.made_finished import write_finished
from tests.usage import assert_refused

SCAN = MadeScan("1.2", "eval", (MadeNodule("1", (6, 30, 30), 12.0, "8-15"),))


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, ReportInputs]:
    """A finished run with a page, and what that was made from."""
    folder = tmp_path / "run"
    inputs = write_run(folder / "artifacts", [SCAN])
    page = folder / "artifacts" / "page"
    write_report(inputs, PARAMETERS, str(page))
    places = {
        outputs.EXAMPLES: folder / "artifacts" / "examples",
        outputs.ROWS: folder / "artifacts" / "rows",
        outputs.PREDICTIONS: inputs.predictions,
        outputs.MODEL_RUN: inputs.model_run,
        outputs.EVALUATION: inputs.evaluation,
        outputs.BLESSING: inputs.blessing,
        outputs.SCANS: inputs.scans,
        outputs.REPORT: page,
    }
    named = {name: str(place) for name, place in places.items()}
    return write_finished(folder, [], outputs=named, baseline_path=None), inputs


def test_the_page_is_made_again_from_the_same_and_its_path_printed(
    made: tuple[Path, ReportInputs], capfd: pytest.CaptureFixture[str]
) -> None:
    folder, _ = made
    page = folder / "artifacts" / "page" / "report.html"
    before = json.loads((page.parent / "summary.json").read_text())
    page.write_text("spoilt")
    assert local_runner.main(["report", str(folder)]) == 0
    assert capfd.readouterr().out == f"{page}\n"
    assert "<html" in page.read_text()
    after = json.loads((page.parent / "summary.json").read_text())
    assert {**after, "written": None} == {**before, "written": None}


def test_inputs_and_parameters_are_those_of_the_run(made: tuple[Path, ReportInputs]) -> None:
    folder, inputs = made
    run = read_finished(str(folder))
    assert report_inputs(run) == inputs
    assert report_parameters(run.artifact(outputs.REPORT)) == PARAMETERS


def test_the_models_are_named_where_there_are_any(made: tuple[Path, ReportInputs]) -> None:
    folder, _ = made
    record = json.loads((folder / "run.json").read_text())
    (folder / "artifacts" / "model").mkdir()
    record["outputs"][outputs.MODELS[1]] = str(folder / "artifacts" / "model")
    record["baseline_path"] = str(folder / "artifacts" / "other")
    del record["outputs"][outputs.MODEL_RUN]
    (folder / "run.json").write_text(json.dumps(record))
    found = report_inputs(read_finished(str(folder)))
    assert found.model == str(folder / "artifacts/model/Format-Serving")
    assert found.baseline == str(folder / "artifacts/other/Format-Serving")
    assert found.model_run is None


def test_a_moved_run_has_its_page_where_it_is_now(
    made: tuple[Path, ReportInputs], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.move(made[0], tmp_path / "moved")
    assert local_runner.main(["report", str(tmp_path / "moved")]) == 0
    assert capfd.readouterr().out == f"{tmp_path}/moved/artifacts/page/report.html\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: RUN"),
        (["nowhere"], "expected the output folder of a finished run, got nowhere: run.json: "),
        (["a", "b"], "unrecognized arguments: b"),
    ],
)
def test_usage(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(local_runner.main, ["report", *arguments], expected, capsys)


def test_what_was_removed_is_named(
    made: tuple[Path, ReportInputs], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(made[0] / "artifacts" / "predictions")
    expected = f"expected SegmentScans.predictions of {made[0]}, got no folder"
    assert_refused(local_runner.main, ["report", str(made[0])], expected, capsys)


@pytest.mark.parametrize("version", [1, 4])
def test_a_page_of_another_version_is_refused(
    made: tuple[Path, ReportInputs], capsys: pytest.CaptureFixture[str], version: int
) -> None:
    summary = made[0] / "artifacts" / "page" / "summary.json"
    summary.write_text(json.dumps({**json.loads(summary.read_text()), "version": version}))
    expected = f"expected a version from 2 to 3, got {version} in {summary}"
    assert_refused(local_runner.main, ["report", str(made[0])], expected, capsys)


def test_a_page_of_the_version_before_is_made_again(made: tuple[Path, ReportInputs]) -> None:
    summary = made[0] / "artifacts" / "page" / "summary.json"
    before = json.loads(summary.read_text())
    for name in ("evaluated_model", "passed_over"):
        del before[name]
    summary.write_text(json.dumps({**before, "version": 2}))
    assert local_runner.main(["report", str(made[0])]) == 0
    assert json.loads(summary.read_text())["version"] == 3


def test_not_while_a_run_is_using_the_folder(
    made: tuple[Path, ReportInputs], capsys: pytest.CaptureFixture[str]
) -> None:
    with lock_output(str(made[0])):
        assert_refused(local_runner.main, ["report", str(made[0])], "another run is", capsys)
    assert os.path.isfile(made[0] / "artifacts" / "page" / "report.html")
