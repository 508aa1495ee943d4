"""run.json says how a run ended, however early."""

import json
from pathlib import Path

from pipeline.loading import load_config
from runner.run_record import RunRecord, write_run_record

ROOT = Path(__file__).resolve().parent.parent.parent


def record(folder: Path) -> RunRecord:
    return RunRecord(load_config(str(ROOT / "configs" / "demo.yaml"), output=str(folder)))


def test_a_run_that_ended_before_any_component(tmp_path: Path) -> None:
    started = record(tmp_path)
    started.error = "no such thing"
    content = json.loads(Path(write_run_record(started, 1)).read_text())
    assert content["exit_status"] == 1
    assert content["error"] == "no such thing"
    zeros = {"found": 0, "accepted": 0, "repaired": 0, "quarantined": 0}
    assert content["scans"] == {**zeros, "quarantine": []}
    assert content["blessed"] is None and content["pushed_path"] is None
    assert content["configuration"]["name"] == "noduleflow-demo"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_the_quarantine_is_where_scans_are_counted(tmp_path: Path) -> None:
    started = record(tmp_path)
    counts = {"found": 2, "accepted": 1, "repaired": 0, "quarantined": 1}
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    bad = {"series_uid": "1.2", "reason": "too short", "split": "train"}
    (tmp_path / "quarantine.jsonl").write_text(json.dumps(bad) + "\n")
    started.outputs["CtExampleGen.quarantine"] = str(tmp_path)
    started.outputs["CtExampleGen.manifest"] = str(tmp_path / "m")
    content = started.as_json(4)
    assert content["scans"].pop("quarantine") == [{"series_uid": "1.2", "reason": "too short"}]
    assert content["scans"] == counts
    assert content["manifest_path"] == str(tmp_path / "m" / "manifest.csv")


def test_warnings_are_those_of_the_scans(tmp_path: Path) -> None:
    started = record(tmp_path)
    assert started.as_json(1)["warnings"] == []
    (tmp_path / "warnings.json").write_text(json.dumps({"warnings": ["line 3 repeats line 2"]}))
    started.outputs["CtExampleGen.scans"] = str(tmp_path)
    assert started.as_json(1)["warnings"] == ["line 3 repeats line 2"]


def test_the_report_is_where_the_figures_come_from(tmp_path: Path) -> None:
    finished = record(tmp_path)
    summary = {"blessed": True, "scans": {"found": 1}, "metrics": [{"value": 0.5}], "gate": []}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    finished.outputs["ReportGen.report"] = str(tmp_path)
    content = finished.as_json(0)
    assert content["blessed"] is True
    assert content["metrics"] == [{"value": 0.5}]
    assert content["report_path"] == str(tmp_path / "report.html")
