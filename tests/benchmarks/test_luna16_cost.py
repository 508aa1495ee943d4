"""What the benchmark of LUNA16's cost makes of its measurements."""

import argparse
from pathlib import Path

import pytest

from benchmarks.luna16_cost import (
    Cost,
    Measured,
    Meter,
    _write_splits,
    judged_scans,
    print_costs,
    print_growth,
)
from benchmarks.phantom_scans import scans_of
from phantom.order import Order
from phantom.writer import make_phantoms
from pipeline.loading import load_config
from report.history import Epoch, History

EPOCH = Epoch(1, 0.5, 0.5, 0.5, seconds=6.0)
HISTORY = History((EPOCH,), 1, (), 10, "float32", start_seconds=1.2)


def cost(seconds: float, cpu_seconds: float = 1.0, peak_mib: float = 100.0) -> Cost:
    return Cost(seconds, cpu_seconds, 4_000_000, 2_000_000, peak_mib)


@pytest.mark.parametrize(
    ("seconds", "cpu_seconds", "cores", "share"),
    [
        (10.0, 20.0, 2, 1.0),  # both cores all the time
        (10.0, 10.0, 2, 0.0),  # one core all the time
        # 5 s on one core, then 5 s on two: 10 of 15 core-seconds on both
        (10.0, 15.0, 2, 10 / 15),
        # 4 s on one core, then 2 s on four: 8 of 12
        (6.0, 12.0, 4, 8 / 12),
        (10.0, 3.0, 2, 0.0),  # waited
        (10.0, 10.0, 1, 0.0),
    ],
)
def test_share_on_all_cores(seconds: float, cpu_seconds: float, cores: int, share: float) -> None:
    assert cost(seconds, cpu_seconds).parallel_share(cores) == pytest.approx(share)


def test_scans_judged_of_luna16(tmp_path: Path) -> None:
    # A fifth of 888 patients for eval and test, and 60 of train; or all.
    config = load_config("configs/luna16.yaml", output=str(tmp_path))
    assert judged_scans(config) == 178 + 60
    every = load_config(
        "configs/luna16.yaml", ["evaluation.train_patients=0"], output=str(tmp_path)
    )
    assert judged_scans(every) == 888


def test_hours_are_of_all_scans_or_of_those_judged(capsys: pytest.CaptureFixture[str]) -> None:
    run = Measured({"Trainer": cost(99), "SegmentScans": cost(8), "Transform": cost(6)}, HISTORY)
    given = argparse.Namespace(train_patients=1, steps=2)
    print_costs(run, 6, judged=225, given=given)
    _, trainer, segment, transform, total, judged, training, *_ = capsys.readouterr().out.split(
        "\n"
    )
    assert trainer.split()[4:6] == ["0.20", "0.7"]  # 1.2 s before the first step, of 6 scans
    # A sixth of 6 scans and one more were judged: 4 s each, of 225 scans 0.25 h.
    assert segment.split()[1:4] == ["4.00", "2.0", "1.0"] and segment.split()[-1] == "0.25"
    assert transform.split()[1] == "1.00" and transform.split()[-1] == "0.25"  # 888 s
    assert "0.5 h for 888 scans" in total  # 0.049 + 0.25 + 0.247
    assert "225" in judged
    assert "training: 3.0 s a step" in training


def test_growth(capsys: pytest.CaptureFixture[str]) -> None:
    few, many = ({"Transform": cost(*values)} for values in ((5.0, 1, 100), (14.0, 1, 110)))
    print_growth({3: Measured(few, HISTORY), 12: Measured(many, HISTORY)})
    assert capsys.readouterr().out.splitlines()[1].split() == ["Transform", "1.00", "1.10"]
    print_growth({3: Measured(few, HISTORY)})
    assert capsys.readouterr().out == ""


def test_the_first_scans_are_those_of_the_eval_split(tmp_path: Path) -> None:
    make_phantoms(str(tmp_path / "data"), Order(3, shape=(24, 48, 48)), workers=1)
    header, *rows = _write_splits(tmp_path / "data").read_text().splitlines()
    series = [found.series_uid for found in scans_of(tmp_path / "data")]
    assert header == "seriesuid,split"
    assert rows == [f"{series[0]},eval", f"{series[1]},train", f"{series[2]},train"]


def test_the_meter_sees_what_was_written(tmp_path: Path) -> None:
    meter = Meter()
    meter.begin("Writer")
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    meter.end("Writer")
    measured = meter.costs["Writer"]
    assert 3_000_000 <= measured.written_bytes < 3_500_000
    assert 0 < measured.seconds < 60 and measured.peak_mib > 10
