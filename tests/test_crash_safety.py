"""A run killed at any moment leaves no half file; the next makes what it would have made."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.lungct.luna16 import make_root

ROOT = Path(__file__).resolve().parent.parent
SCANS = 6


def test_a_killed_run_is_made_good_by_the_next(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i // 2}" for i in range(SCANS)})
    (tmp_path / "data" / "subset0" / "1.3.raw").write_bytes(b"")
    # Before any scan, in the first, in a later one, and when the last file is there: each scan
    # that can be used has two.
    moments = ["0", "1", "6", str(2 * (SCANS - 1))]
    process = subprocess.run(
        [sys.executable, "-m", "tests.crash", root, str(tmp_path / "out"), *moments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    assert process.returncode == 0, process.stderr[-2000:]
    found = json.loads(process.stdout.splitlines()[-1])
    # Five files of examples with their index, facts, scans, warnings, quarantine, counts, manifest.
    assert found["files"] == 2 * 5 + 6
    assert [kill["killed"] for kill in found["kills"]] == [True] * len(moments)
    for kill in found["kills"]:
        assert (kill["half"], kill["next"], kill["wrong"]) == ([], True, [])
    # Of the killed runs nothing is left, of the others everything.
    assert [kill["kept"] for kill in found["kills"]] == [1, 2, 3, 4]
    assert max(kill["left"] for kill in found["kills"]) > 1
