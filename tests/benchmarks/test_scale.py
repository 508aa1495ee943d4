from pathlib import Path

import pytest

from benchmarks.scale import bytes_a_scan, print_growth
from tests.lungct.luna16 import make_root


def test_every_scan_costs_some_bytes(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p1", "1.2": "p2"})
    found = bytes_a_scan(root)
    assert len(found) == 3 and all(200 < each < 100_000 for each in found.values())


def test_prints_how_many_scans_fit_into_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    print_growth({"task": 500.0, "record": 1500}, [10, 2000])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["bytes", "a", "scan", "10", "2,000"]
    assert lines[1:3] == [
        ["task", "500", "5,000", "1,000,000"],
        ["record", "1,500", "15,000", "3,000,000"],
    ]
    assert " ".join(lines[3]) == "a graph of 10 MB holds at most 20,000 tasks"  # 10e6 / 500
