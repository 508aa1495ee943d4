"""`local_runner.py compare`: what is printed of two runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import local_runner
from lungct.metrics import Overlap
from schema import features
from schema.gate import GateRow, Verdict
from schema.judged import Place, SliceRow
from tests.runner.finished_run import ROOT
from tests.runner.made_finished import CRITERION, slice_row, write_finished
from tests.usage import assert_refused


@pytest.fixture
def run_a(tmp_path: Path) -> Path:
    return write_finished(tmp_path / "a", [slice_row(patient, 5) for patient in ("p1", "p2", "p3")])


@pytest.fixture
def run_b(tmp_path: Path) -> Path:
    missed = GateRow(CRITERION, 0.5, Verdict.FAIL)
    return write_finished(
        tmp_path / "b",
        [slice_row(patient, 9) for patient in ("p1", "p2")],
        blessed=False,
        exit_status=3,
        evaluated_model={"path": "/models/7"},
        gate=[missed.to_json()],
        configuration={
            "output": str(tmp_path / "b"),
            "evaluation": {"replicates": 20},
            "training": {"epochs": 4},
            "gate": {"pooled_dice": 0.75},
        },
    )


def compare(*arguments: Any, capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert local_runner.main(["compare", *map(str, arguments)]) == 0
    return capfd.readouterr().out


def lines_of(text: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in text.splitlines()]


def test_all_that_differs_is_told(
    run_a: Path, run_b: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = compare(run_a, run_b, capfd=capfd)
    assert f"A  {run_a}: trained, gate passed" in text
    assert f"B  {run_b}: evaluation of /models/7, gate not passed" in text
    assert "eval split: 2 in both; left out: 1 in A only, 0 in B only" in text
    lines = lines_of(text)
    assert ["training.epochs", "3", "4"] in lines
    assert not any(words[:1] == ["gate.pooled_dice"] for words in lines)
    pooled = "eval all pooled Dice 0.500 0.900 +0.400 +0.400 to +0.400 better"
    assert pooled.split() in lines
    assert f"{CRITERION.text} 0.875 pass 0.500 fail".split() in lines
    pooled = "B is better in pooled Dice, eval split"
    change = "+0.400 (95% interval +0.400 to +0.400)"
    assert f"{pooled}: {change}" in text
    assert f"{pooled}, nodules 8–15 mm: {change}" in text
    assert "one interval in twenty excludes 0 by chance" in text.splitlines()[-1]


def test_two_runs_of_one_model_differ_in_nothing(
    run_a: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = compare(run_a, run_a, capfd=capfd)
    assert "  the same in both" in text
    assert text.splitlines()[-1].startswith("Nothing differs: each of ")
    assert "+0.000" not in text and "--all" not in text
    assert "+0.000" in compare(run_a, run_a, "--all", capfd=capfd)
    assert json.loads(compare(run_a, run_a, "--json", capfd=capfd))["nothing_differs"] is True


def test_figures_that_are_the_same_are_counted_and_shown_where_asked_for(
    run_a: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Of 10 predicted and 10 true voxels 5 are common in run A; here 5 of 5, so that precision,
    # Dice and IoU differ and recall does not.
    place = [Place("eval", f"scan of {p}", p, "made up", ("8-15",)) for p in ("p1", "p2", "p3")]
    rows = [SliceRow(one, 0, {features.CANDIDATE: Overlap(5, 5, 10)}) for one in place]
    other = write_finished(tmp_path / "other", rows)
    text = compare(run_a, other, capfd=capfd)
    assert "voxel precision" in text and "voxel recall" not in text
    # All slices and those of 8 to 15 mm.
    assert "  2 other figures are the same in both (--all shows them)" in text.splitlines()
    whole = compare(run_a, other, "--all", capfd=capfd)
    recall = "eval 8-15 voxel recall 0.500 0.500 +0.000 +0.000 to +0.000"
    assert recall.split() in lines_of(whole) and "other figures" not in whole


def test_a_difference_that_may_be_chance_is_called_so(
    run_a: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [slice_row("p1", 9), slice_row("p2", 1), slice_row("p3", 6)]
    other = write_finished(tmp_path / "other", rows)
    text = compare(run_a, other, capfd=capfd)
    assert "Figures differ, but no interval of a difference excludes 0." in text


def test_runs_without_a_common_patient_have_no_figures(
    run_a: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = write_finished(tmp_path / "other", [slice_row("q", 9)])
    text = compare(run_a, other, capfd=capfd)
    assert "eval split: 0 in both; left out: 3 in A only, 1 in B only" in text
    assert "No patient was judged by both in one split: there is nothing to compare." in text
    content = json.loads(compare(run_a, other, "--json", capfd=capfd))
    assert content["figures"] == [] and content["nothing_differs"] is False


def test_for_machines(run_a: Path, run_b: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = json.loads(compare("--json", run_a, run_b, capfd=capfd))
    assert content["configuration"]["training.epochs"] == [3, 4]
    assert content["replicates"] == 20
    assert content["a"]["folder"] == str(run_a) and content["a"]["blessed"] is True
    assert content["b"]["evaluated_model"] == {"path": "/models/7"}
    assert content["b"]["gate"][0]["verdict"] == "fail"
    assert content["patients"][0]["only_a"] == 1
    figures = {(one["bucket"], one["metric"]): one for one in content["figures"]}
    assert figures["all", "pooled_dice"]["change"] == pytest.approx(0.4)
    assert figures["all", "pooled_dice"]["verdict"] == "better"


def test_figures_that_one_run_lacks_are_null(
    run_a: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = write_finished(tmp_path / "other", [slice_row("p1", 9)])
    content = json.loads(compare(run_a, other, "--json", capfd=capfd))
    (pooled,) = [
        one
        for one in content["figures"]
        if (one["bucket"], one["metric"]) == ("all", "pooled_dice")
    ]
    # One patient has no interval.
    assert pooled["a"] == 0.5 and pooled["lower"] is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: RUN_A, RUN_B"),
        (["nowhere", "nowhere"], "expected the output folder of a finished run, got nowhere: "),
        (["a", "b", "--jsn"], "unrecognized arguments: --jsn; nearest valid argument: --json"),
    ],
)
def test_usage(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(local_runner.main, ["compare", *arguments], expected, capsys)


def test_a_run_without_rows_is_refused(
    run_a: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = write_finished(tmp_path / "earlier", [], outputs={})
    expected = f"expected a run with SegmentScans.rows, got none in {earlier}"
    assert_refused(local_runner.main, ["compare", str(run_a), str(earlier)], expected, capsys)


def test_no_tfx_is_imported(run_a: Path) -> None:
    code = (
        "import sys, local_runner\n"
        f"local_runner.main(['compare', {str(run_a)!r}, {str(run_a)!r}])\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stderr.splitlines()[-1].split())
    assert "tensorflow" in loaded
    assert not loaded & {"tfx", "apache_beam", "keras", "tensorflow_model_analysis", "ml_metadata"}
