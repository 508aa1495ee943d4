"""How a run ends, and what is told of it."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lungct.inventory import take_inventory
from lungct.roots import DataRoot
from phantom.order import Order
from phantom.writer import make_phantoms
from pipeline.data_config import DataConfig
from runner.console import RunConsole
from runner.local_dag import NodeResult, Output
from runner.local_run import LocalRun
from runner.run_record import RunRecord
from tests.runner.finished_run import ROOT, demo, finish, write_push

SUMMARY: dict[str, Any] = {"blessed": True, "metrics": [], "gate": []}


@pytest.fixture
def end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Ends a run after damage to its push: exit status, console, run.json."""

    def end(damage: str = "", **changes: Any) -> tuple[int, str, dict[str, Any]]:
        config = demo(tmp_path / "out")
        push = write_push(tmp_path / "out", config.name)
        if damage == "deleted":
            shutil.rmtree(push[0])
        elif damage == "one file":
            (Path(push[0]) / "saved_model.pb").write_text("half a m")
        elif damage == "never pushed":
            push = (None, push[1])
        status = finish(config, {**SUMMARY, **changes}, push, monkeypatch)
        record = json.loads((tmp_path / "out" / "run.json").read_text())
        return status, capfd.readouterr().out, record

    return end


def test_a_whole_push_is_told(end: Callable[..., Any], tmp_path: Path) -> None:
    status, console, record = end()
    assert status == record["exit_status"] == 0
    assert "Blessed and pushed." in console
    assert Path(record["pushed_path"]).parent == tmp_path / "out/serving/noduleflow-demo"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("deleted", "got a damaged saved_model.pb"),
        ("one file", "got a damaged saved_model.pb"),
        ("never pushed", "expected a blessed model to be pushed, got none"),
    ],
)
def test_a_push_that_is_not_whole_is_not_told_as_one(
    damage: str, expected: str, end: Callable[..., Any]
) -> None:
    status, console, record = end(damage)
    assert status == record["exit_status"] == 1
    assert "Blessed and pushed" not in console
    assert expected in record["error"] and expected in console
    assert record["pushed_path"] is None


def test_figures_of_crops_are_called_so(end: Callable[..., Any]) -> None:
    status, console, _ = end(data={"crops": 84})
    assert status == 0
    assert "of crops in 84 scans: not to be compared with figures of whole scans" in console


def test_without_a_blessing_no_push_is_looked_for(end: Callable[..., Any]) -> None:
    status, console, record = end("deleted", blessed=False)
    assert (status, record["pushed_path"]) == (3, None)
    assert "Not blessed, nothing pushed." in console


def test_the_model_that_was_compared_with_is_in_the_record(tmp_path: Path) -> None:
    record = RunRecord(demo(tmp_path / "out"))
    made = {"rows": Output("/artifacts/rows/8", {})}
    run = LocalRun(record)
    run._view = RunConsole(io.StringIO())
    for inputs in ({}, {"model": Output("/m/7", {}), "baseline_model": Output("/m/3", {})}, {}):
        run._finished(NodeResult("SegmentScans", 1.0, True, 1.0, made, inputs))
    content = record.as_json(0)
    assert content["baseline_path"] == "/m/3"
    assert content["outputs"] == {"SegmentScans.rows": "/artifacts/rows/8"}


def test_the_phantom_is_made_beside_data(tmp_path: Path) -> None:
    order = Order(2, 7, (24, 48, 48))
    make_phantoms(str(tmp_path / "data"), order, workers=1)
    config = demo(tmp_path / "out")
    data = DataConfig(
        roots=(DataRoot(str(tmp_path / "data")),),
        phantom=Order(1, 8, order.shape),
        with_phantom=True,
    )
    run = LocalRun(RunRecord(config.model_copy(update={"data": data})))
    run._view = RunConsole(io.StringIO())
    run._prepare_data()
    roots = run._record.config.data.roots
    assert [root.source for root in roots] == ["data", "phantom"]
    found = take_inventory(roots).scans
    assert Counter((one.source, one.phantom) for one in found) == {
        ("data", True): 2,
        ("phantom", True): 1,
    }


@pytest.mark.parametrize(
    ("redirection", "environment"),
    [
        ("| head -c 1; exit ${PIPESTATUS[0]}", {}),
        ("> /dev/full 2>&1", {}),
        (">&- 2>&-", {}),
        ("", {"PYTHONIOENCODING": "ascii"}),
    ],
)
def test_a_run_ends_alike_whoever_reads(
    redirection: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data ≥").mkdir()
    arguments = ["--data", str(tmp_path / "data ≥"), "--output", str(tmp_path / "out")]
    command = f'"$0" local_runner.py "$@" {redirection}'
    run = subprocess.run(
        ["bash", "-c", command, sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert run.returncode == 4, run.stderr
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["exit_status"] == 4 and record["error"]


def test_many_quarantined_scans_are_left_to_run_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = RunRecord(demo(tmp_path / "out"))
    lost = [{"series_uid": f"1.{number}", "reason": "cut off"} for number in range(22)]
    monkeypatch.setattr(record, "quarantined", lambda: lost)
    monkeypatch.setattr(record, "warnings", list)
    run, stream = LocalRun(record), io.StringIO()
    run._view = RunConsole(stream)
    run._tell_of_scans()
    shown = [line.strip() for line in stream.getvalue().splitlines()]
    assert shown[0] == "quarantined 1.0: cut off"
    assert shown[19:] == ["quarantined 1.19: cut off", "quarantined: 2 more are in run.json"]
