"""run.json says how a run ended, however early."""

import json
from pathlib import Path

from pipeline.loading import load_config
from pipeline.run_record import RunRecord, count_outcomes, write_run_record

ROOT = Path(__file__).resolve().parent.parent.parent


def record(folder: Path) -> RunRecord:
    return RunRecord(load_config(str(ROOT / "configs" / "demo.yaml"), output=str(folder)))


def test_outcomes_sum_to_the_scans_found() -> None:
    scans = [{"outcome": name} for name in ("accepted", "repaired", "quarantined", "accepted")]
    assert count_outcomes(scans) == {"found": 4, "accepted": 2, "repaired": 1, "quarantined": 1}


def test_a_run_that_ended_before_any_component(tmp_path: Path) -> None:
    started = record(tmp_path)
    started.error = "no such thing"
    content = json.loads(Path(write_run_record(started, 1)).read_text())
    assert content["exit_status"] == 1
    assert content["error"] == "no such thing"
    assert content["scans"]["found"] == 0
    assert content["blessed"] is None and content["pushed_path"] is None
    assert content["configuration"]["name"] == "noduleflow-demo"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_scans_are_counted_where_the_report_is_missing(tmp_path: Path) -> None:
    started = record(tmp_path)
    bad = {"outcome": "quarantined", "series_uid": "1.2", "reason": "too short"}
    lines = [json.dumps(bad), '{"outcome": "accepted"}']
    (tmp_path / "scans.jsonl").write_text("\n".join(lines) + "\n")
    started.outputs["CtExampleGen.scans"] = str(tmp_path)
    counts = started.as_json(4)["scans"]
    assert counts.pop("quarantine") == [{"series_uid": "1.2", "reason": "too short"}]
    assert counts == {"found": 2, "accepted": 1, "repaired": 0, "quarantined": 1}


def test_the_report_is_where_the_figures_come_from(tmp_path: Path) -> None:
    finished = record(tmp_path)
    summary = {"blessed": True, "scans": {"found": 1}, "metrics": [{"value": 0.5}], "gate": []}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    finished.outputs["ReportGen.report"] = str(tmp_path)
    content = finished.as_json(0)
    assert content["blessed"] is True
    assert content["metrics"] == [{"value": 0.5}]
    assert content["report_path"] == str(tmp_path / "report.html")
