"""The real pipeline, small: from phantom scans to a judged and pushed model, and what stops it.

The tests of this module build on each other in the order in which they stand: they share one
output folder, as successive runs of a user do.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCANS = 10
SETTINGS = {
    "data.phantom.scans": SCANS,
    "data.phantom.shape": "[48, 128, 128]",
    "split.eval_fraction": 0.4,
    "grid.spacing_mm": "[4, 2.5, 2.5]",
    "grid.slice_size": 128,
    "model.base_filters": 8,
    "model.levels": 3,
    "training.epochs": 4,
    "training.steps_per_epoch": 40,
    "training.batch_size": 16,
    "training.crop_size": 48,
    "gate.pooled_dice": 0.1,
    "gate.mean_slice_dice": 0.05,
    "gate.bucket_pooled_dice": "{}",
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


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def first(output: Path) -> tuple[int, str, dict[str, Any]]:
    return run(output)


def test_a_run_ends_blessed_and_pushed(first: tuple[int, str, dict[str, Any]]) -> None:
    status, console, record = first
    assert status == 0, console
    assert record["blessed"] is True
    assert not any(component["cached"] for component in record["components"].values())
    assert Path(record["pushed_path"], "saved_model.pb").exists()
    assert "Blessed and pushed." in console


def test_every_scan_is_accounted_for(first: tuple[int, str, dict[str, Any]]) -> None:
    scans = first[2]["scans"]
    assert scans["found"] == SCANS
    assert scans["accepted"] + scans["repaired"] + scans["quarantined"] == SCANS


def test_metrics_are_told_by_split_and_size(first: tuple[int, str, dict[str, Any]]) -> None:
    rows = first[2]["metrics"]
    told = {(row["split"], row["bucket"]) for row in rows}
    assert {("train", "all"), ("eval", "all"), ("eval", "15+")} <= told
    assert {row["metric"] for row in rows} >= {"pooled_dice", "mean_slice_dice"}
    assert all(row["verdict"] == "pass" for row in first[2]["gate"] if row["kind"] == "absolute")


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
    status, console, record = run(output, gate__pooled_dice=0.999)
    assert status == 3, console
    assert record["blessed"] is False and record["pushed_path"] is None
    assert sorted(served.iterdir()) == before
    assert "below the bound of 0.999" in console
    assert record["components"]["Trainer"]["cached"]


def test_a_model_worse_than_the_last_blessed_is_refused(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    worse = {"training__learning_rate": 1e-7, "training__epochs": 1, "gate__pooled_dice": 0.0}
    status, console, record = run(output, **worse, gate__mean_slice_dice=0.0)
    assert status == 3, console
    failed = [row for row in record["gate"] if row["verdict"] == "fail"]
    assert {row["kind"] for row in failed} == {"against last blessed"}


def test_a_changed_scan_is_read_again(first: tuple[int, str, dict[str, Any]], output: Path) -> None:
    (root,) = output.glob("phantom-*")
    voxels = sorted(root.glob("subset*/*.raw"))[0]
    with open(voxels, "ab") as file:
        file.write(b"\0\0")
    # No share of quarantined scans is put up with, so that the run ends at the data gate.
    strict = {"data__max_quarantined_fraction": 0.0}
    status, console, record = run(output, "--data", str(root), **strict)
    assert not record["components"]["CtExampleGen"]["cached"], console
    assert [scan["series_uid"] for scan in record["scans"]["quarantine"]] == [voxels.stem]
    assert f"quarantined {voxels.stem}: expected" in console
    assert status == 4


def test_one_patient_is_refused(output: Path, tmp_path: Path) -> None:
    (root,) = output.glob("phantom-*")
    header = sorted(root.glob("subset*/*.mhd"))[-1]
    (tmp_path / "data" / "subset0").mkdir(parents=True)
    for path in (header, header.with_suffix(".raw")):
        (tmp_path / "data" / "subset0" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "data" / "annotations.csv").write_text((root / "annotations.csv").read_text())
    status, console, record = run(tmp_path / "out", "--data", str(tmp_path / "data"))
    assert status == 4, console
    assert "one patient can't fill two splits" in console
    assert "Trainer" not in record["components"]
    assert record["scans"]["found"] == 1
