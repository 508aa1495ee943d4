"""The compiled job, emulated, ends as the run on this machine does; a second run is compared.

The tests of this module build on each other in the order in which they stand: they share one
output folder, as successive emulations of a user do.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_end_to_end import ROOT, SETTINGS, run

pytestmark = pytest.mark.slow


def emulate(output: Path, **settings: Any) -> tuple[int, str, dict[str, Any]]:
    """Emulates as a user does: exit status, console, the summary of the report made last."""
    chosen = {**SETTINGS, **{key.replace("__", "."): value for key, value in settings.items()}}
    overrides = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    process = subprocess.run(
        [sys.executable, "kubeflow_runner.py", "emulate", "--output", str(output), *overrides],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3600,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    reports = sorted(output.glob("bucket/*/ReportGen/report/summary.json"))
    summary = json.loads(reports[-1].read_text()) if reports else {}
    return process.returncode, process.stdout + process.stderr, summary


def figures(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    names = ("metric", "split", "bucket", "source")
    return {tuple(str(row[name]) for name in names): row["value"] for row in rows}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulated")


@pytest.fixture(scope="module")
def first(output: Path) -> tuple[int, str, dict[str, Any]]:
    return emulate(output)


def test_an_emulation_ends_blessed_and_pushed(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    status, console, summary = first
    assert status == 0, console
    assert summary["blessed"] is True
    assert "Blessed and pushed." in console
    assert re.search(r"Trainer .* here in place of a Vertex custom job", console)
    assert re.search(r"Pusher .* to a folder in place of a Vertex endpoint", console)
    (pushed,) = (output / "serving" / "noduleflow-demo").iterdir()
    assert (pushed / "saved_model.pb").exists()
    assert summary["changes"] is None


def test_it_has_the_dice_of_the_run_on_this_machine(
    first: tuple[int, str, dict[str, Any]], tmp_path: Path
) -> None:
    status, console, record = run(tmp_path)
    assert status == 0, console
    ours, theirs = figures(first[2]["metrics"]), figures(record["metrics"])
    assert ours.keys() == theirs.keys()
    assert ("pooled_dice", "eval", "all", "all") in ours
    assert ours == pytest.approx(theirs, abs=1e-3, nan_ok=True)


def test_a_second_emulation_sees_the_baseline(
    first: tuple[int, str, dict[str, Any]], output: Path
) -> None:
    status, console, summary = emulate(output, training__epochs=3)
    assert status in (0, 3), console
    assert re.search(r"CtExampleGen .* cached", console)
    assert re.search(r"Trainer .* here in place of", console)
    assert summary["changes"]
    assert summary["passed_over"] == []
    rows = [row for row in summary["gate"] if row["kind"] == "change"]
    assert [row["verdict"] for row in rows] in (["pass"], ["fail"])
