"""Parts of the benchmark of ingest that prepare data and read figures."""

import argparse
from pathlib import Path

import pytest

from benchmarks import ingest
from benchmarks.machine import memory_bytes, whole_number
from benchmarks.phantom_scans import first_scans
from phantom.order import Order
from phantom.writer import make_phantoms
from tests.lungct.found import headers


def test_counts_are_whole_numbers_from_1() -> None:
    assert whole_number("12") == 12
    for text in ("0", "-1", "1.5", "many", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=f"from 1, got '{text}'"):
            whole_number(text)


def test_memory_is_read_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Name:\tpython\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"
    monkeypatch.setattr(Path, "read_text", lambda _: text)
    assert memory_bytes("VmHWM") == 2048 * 1024
    assert memory_bytes("VmRSS") == 1024 * 1024
    with pytest.raises(OSError, match="expected VmNone in /proc/self/status, got none"):
        memory_bytes("VmNone")


def test_smaller_sets_share_the_files_of_the_largest(tmp_path: Path) -> None:
    root = tmp_path / "phantom"
    make_phantoms(str(root), Order(3, 3, (24, 48, 48)), workers=1)
    data = first_scans(root, 2)
    names = [Path(header).name for header in headers(data)]
    assert names == [Path(header).name for header in headers(root)[:2]]
    assert {path.stat().st_nlink for path in data.glob("subset*/*")} == {2}
    assert (data / "annotations.csv").read_text() == (root / "annotations.csv").read_text()
    # A second call starts anew.
    assert len(list(first_scans(root, 1).glob("subset*/*.mhd"))) == 1
    assert len(list(first_scans(root, 2).glob("subset*/*.mhd"))) == 2


def test_growth_leaves_small_sets_out(capsys: pytest.CaptureFixture[str]) -> None:
    # 2 scans of 3 s don't count; among 4 a scan takes 2 s, among 16 it takes 2.5 s.
    ingest._print_growth({2: 6.0, 4: 8.0, 16: 40.0})
    assert capsys.readouterr().out == "  a scan among 16 costs 1.25 of one among 4\n"
    ingest._print_growth({2: 6.0, 4: 8.0})
    assert capsys.readouterr().out == ""


def test_stages_are_timed_by_name() -> None:
    spent = {"read": 1.0}
    timed = ingest._timed(lambda a, b=0: a + b, "read", spent)
    assert timed(2, b=3) == 5 and spent["read"] >= 1.0
    failing = ingest._timed(int, "read", spent)
    before = spent["read"]
    with pytest.raises(ValueError, match="invalid literal"):
        failing("x")
    assert spent["read"] >= before
