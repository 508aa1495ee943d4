"""The real pipeline, small: from phantom scans to a judged and pushed model, and what stops it.

The tests of this module build on each other in the order in which they stand: they share one
output folder, as successive runs of a user do.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration import metadata
from tfx.v1.orchestration.metadata import sqlite_metadata_connection_config

from phantom.order import Order
from phantom.writer import header_path, make_phantoms

ROOT = Path(__file__).resolve().parent.parent
SCANS, DAMAGED = 12, (1, 4)
SHAPE = (48, 128, 128)
SETTINGS = {
    "data.phantom.scans": SCANS,
    "data.phantom.shape": list(SHAPE),
    "data.phantom.nodules": "null",  # some: few scans are made by hand below as well
    "split.eval_fraction": 0.4,
    "grid.spacing_mm": "[4, 2.5, 2.5]",
    "model.base_filters": 8,
    "model.levels": 3,
    "training.epochs": 4,
    "training.steps_per_epoch": 40,
    "training.batch_size": 16,
    "training.crop_size": 48,
    "gate": "{pooled_dice: {at_least: 0.1}, mean_slice_dice: {at_least: 0.05}, "
    "no_worse: {metric: pooled_dice, kind: change, at_least: -0.02}}",
}


def run(output: Path, *arguments: str, **settings: Any) -> tuple[int, str, dict[str, Any]]:
    """Runs the runner as a user does: exit status, console, run.json."""
    chosen = {**SETTINGS, **{key.replace("__", "."): value for key, value in settings.items()}}
    overrides = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    process = subprocess.run(
        [sys.executable, "local_runner.py", "--output", str(output), *arguments, *overrides],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    record = output / "run.json"
    content = json.loads(record.read_text()) if record.exists() else {}
    return process.returncode, process.stdout + process.stderr, content


def damage(root: Path, numbers: Iterable[int]) -> list[str]:
    """Cuts the voxels of some scans short; gives their series."""
    headers = [header_path(root, 1, number) for number in numbers]
    for header in headers:
        voxels = header.with_suffix(".raw")
        os.truncate(voxels, voxels.stat().st_size // 2)
    return sorted(header.stem for header in headers)


def quarantined(record: dict[str, Any]) -> list[str]:
    return [scan["series_uid"] for scan in record["scans"]["quarantine"]]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def root(output: Path) -> Path:
    """The phantom that the runner would make, with two scans damaged."""
    root = output / Order(SCANS, shape=SHAPE).folder
    make_phantoms(str(root), Order(SCANS, shape=SHAPE))
    damage(root, DAMAGED)
    return root


@pytest.fixture(scope="module")
def first(output: Path, root: Path) -> tuple[int, str, dict[str, Any]]:
    return run(output)


def test_a_run_ends_blessed_and_pushed(first: tuple[int, str, dict[str, Any]]) -> None:
    status, console, record = first
    assert status == 0, console
    assert record["blessed"] is True
    assert not any(component["cached"] for component in record["components"].values())
    assert Path(record["pushed_path"], "saved_model.pb").exists()
    assert "Blessed and pushed." in console


def test_two_damaged_scans_of_twelve_are_named_and_the_others_used(
    first: tuple[int, str, dict[str, Any]], root: Path
) -> None:
    _, console, record = first
    series = sorted(header_path(root, 1, number).stem for number in DAMAGED)
    scans = record["scans"]
    counts = {name: scans[name] for name in ("found", "accepted", "repaired", "quarantined")}
    assert counts == {"found": 12, "accepted": 10, "repaired": 0, "quarantined": 2}
    assert quarantined(record) == series
    report = Path(record["report_path"]).read_text()
    for scan in scans["quarantine"]:
        assert "bytes of voxels" in scan["reason"] and scan["series_uid"] in scan["reason"]
        assert f"quarantined {scan['series_uid']}: {scan['reason']}" in console
        assert scan["series_uid"] in report
    rows = list(csv.DictReader(Path(record["manifest_path"]).read_text().splitlines()))
    assert sorted(row["series_uid"] for row in rows if row["outcome"] == "quarantined") == series
    examples = list(root.parent.glob("artifacts/CtExampleGen/examples/*/Split-*/*.tfrecord"))
    assert len(examples) == 10


def test_quarantine_and_manifest_have_a_lineage(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    config = sqlite_metadata_connection_config(str(output / "metadata.sqlite"))
    with metadata.Metadata(config) as handle:
        (lost,) = handle.store.get_artifacts_by_type("components.Quarantine")
        (manifest,) = handle.store.get_artifacts_by_type("components.SplitManifest")
        events = handle.store.get_events_by_artifact_ids([lost.id, manifest.id])
        (execution,) = handle.store.get_executions_by_id({e.execution_id for e in events})
        (kind,) = handle.store.get_execution_types_by_id([execution.type_id])
    assert lost.custom_properties["quarantined"].int_value == 2
    assert kind.name == "components.ct_example_gen.component.CtExampleGen"


def test_metrics_are_told_by_split_and_size(first: tuple[int, str, dict[str, Any]]) -> None:
    rows = first[2]["metrics"]
    told = {(row["split"], row["bucket"]) for row in rows}
    assert {("train", "all"), ("eval", "all"), ("eval", "15+")} <= told
    assert {row["metric"] for row in rows} >= {"pooled_dice", "mean_slice_dice"}
    assert all(row["verdict"] == "pass" for row in first[2]["gate"] if row["kind"] == "value")


def test_the_report_stands_alone(first: tuple[int, str, dict[str, Any]]) -> None:
    html = Path(first[2]["report_path"]).read_text()
    assert "phantom" in html
    assert 'src="http' not in html and 'href="http' not in html


def test_nothing_changed_comes_from_the_cache(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    status, console, record = run(output)
    assert status == 0, console
    not_cached = [name for name, did in record["components"].items() if not did["cached"]]
    assert not_cached == []
    assert record["pushed_path"] == first[2]["pushed_path"]


def test_a_bound_out_of_reach_is_not_blessed(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    served = Path(first[2]["pushed_path"]).parent
    before = sorted(served.iterdir())
    status, console, record = run(output, gate__pooled_dice__at_least=0.999)
    assert status == 3, console
    assert record["blessed"] is False and record["pushed_path"] is None
    assert sorted(served.iterdir()) == before
    assert "below the bound of 0.999" in console
    assert record["components"]["Trainer"]["cached"]


def test_a_model_worse_than_the_last_blessed_is_refused(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    worse = {"training__learning_rate": 1e-7, "training__epochs": 1}
    bounds = {f"gate__{name}__at_least": 0.0 for name in ("pooled_dice", "mean_slice_dice")}
    status, console, record = run(output, **worse, **bounds)
    assert status == 3, console
    failed = [row for row in record["gate"] if row["verdict"] == "fail"]
    assert {row["kind"] for row in failed} == {"change"}


def test_five_damaged_scans_of_twelve_stop_the_run(
    first: tuple[int, str, dict[str, Any]], output: Path, root: Path
) -> None:
    series = sorted([*quarantined(first[2]), *damage(root, (2, 7, 9))])
    status, console, record = run(output)
    assert status == 4, console
    # The changed scans were read again.
    assert not record["components"]["CtExampleGen"]["cached"]
    assert "Trainer" not in record["components"]
    assert quarantined(record) == series
    assert "expected at most 20% of 12 scans, got 5" in console
    assert all(console.count(uid) >= 2 for uid in series)


def test_one_patient_is_refused(root: Path, tmp_path: Path) -> None:
    header = header_path(root, 1, 0)
    (tmp_path / "data" / "subset0").mkdir(parents=True)
    for path in (header, header.with_suffix(".raw")):
        (tmp_path / "data" / "subset0" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "data" / "annotations.csv").write_text((root / "annotations.csv").read_text())
    status, console, record = run(tmp_path / "out", "--data", str(tmp_path / "data"))
    assert status == 4, console
    assert "one patient can't fill two splits" in console
    assert "Trainer" not in record["components"]
    assert record["scans"]["found"] == 1
