"""A local run of which the steps are made up, and only the end is real."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.pusher import list_files
from pipeline.config import Config
from pipeline.gate import gate_criteria
from pipeline.loading import load_config
from runner.local_run import LocalRun
from runner.run_record import RunRecord
from schema import features
from schema.files import PUSHED_FILE, SUMMARY_FILE
from schema.gate import NODULES, MeasuredRows, judge
from schema.metrics import METRICS, MetricRow
from schema.slice_keys import BUCKET_ORDER

ROOT = Path(__file__).resolve().parent.parent.parent


def demo(output: Path) -> Config:
    """The demo's configuration, for an output folder that is there."""
    output.mkdir(parents=True)
    return load_config(str(ROOT / "configs" / "demo.yaml"), output=str(output))


def summary_of_first_run(config: Config) -> dict[str, Any]:
    """What the report of a first run says that reached 0.9 in every figure."""
    rows = [
        MetricRow(split, bucket, key, value)
        for split in config.splits
        for bucket in BUCKET_ORDER
        for key, value in (*((metric.key, 0.9) for metric in METRICS), (NODULES, 9.0))
        if bucket != features.BUCKET_NONE or key in ("pooled_dice", "precision")
    ]
    gate = judge(gate_criteria(config.gate), MeasuredRows(rows))
    return {
        "blessed": True,
        "metrics": [dataclasses.asdict(row) for row in rows],
        "gate": [row.to_json() for row in gate],
    }


def write_push(output: Path, name: str) -> tuple[str, str]:
    """A push as the Pusher leaves it: the version's folder and that of its artifact."""
    place = output / "serving" / name / "1795383770"
    artifact = output / "artifacts" / "Pusher" / "pushed_model" / "11"
    for folder in (place, artifact):
        folder.mkdir(parents=True)
    (place / "saved_model.pb").write_text("a model")
    (artifact / PUSHED_FILE).write_text(json.dumps(list_files(place)))
    return str(place), str(artifact)


def finish(
    config: Config, summary: Mapping[str, Any], push: tuple[str, str], patch: pytest.MonkeyPatch
) -> int:
    """Lets a run end whose components gave this; gives its exit status."""
    report = Path(config.output) / "artifacts" / "ReportGen" / "report" / "12"
    report.mkdir(parents=True)
    (report / SUMMARY_FILE).write_text(json.dumps(summary))

    def run_pipeline(run: LocalRun) -> None:
        run._record.outputs["ReportGen.report"] = str(report)
        run._record.pushed_path, run._record.outputs["Pusher.pushed_model"] = push

    patch.setattr(LocalRun, "_prepare_data", lambda run: None)
    patch.setattr(LocalRun, "_run_pipeline", run_pipeline)
    return LocalRun(RunRecord(config)).run()
