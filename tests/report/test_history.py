"""The Trainer's history as the report takes it."""

import json
from pathlib import Path

from report.history import Epoch, read_history
from tests.components.made_run import write_history


def test_history_with_more_keys_than_asked_for(tmp_path: Path) -> None:
    history = read_history(write_history(tmp_path, epochs=2, seed=7))

    assert history is not None
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert history.epochs[1] == Epoch(2, 0.5, 0.625, 0.375, 2.0)
    assert (history.kept_epoch, history.parameters) == (1, 1234567)
    assert history.monitor_patients == ("p1", "p2")
    assert history.seconds == 4.0


def test_history_with_fewer_keys(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(json.dumps({"epochs": [{"loss": 1.5}]}))

    history = read_history(str(tmp_path))

    assert history is not None
    assert history.epochs == (Epoch(0, 1.5, None, None, None),)
    assert (history.kept_epoch, history.precision, history.seconds) == (None, "", 0.0)


def test_no_history(tmp_path: Path) -> None:
    assert read_history(str(tmp_path)) is None


def test_error_of_the_monitor_patients(tmp_path: Path) -> None:
    row = {"epoch": 1, "monitor_dice": 0.5, "monitor_error": 0.125, "monitor_slices": 40}
    (tmp_path / "history.json").write_text(json.dumps({"epochs": [row]}))

    history = read_history(str(tmp_path))

    assert history is not None
    assert history.epochs == (Epoch(1, None, None, 0.5, None, 0.125, 40),)
