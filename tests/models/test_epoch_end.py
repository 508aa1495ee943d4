"""The end of an epoch: which weights are kept, when training stops, what is written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from models.checkpoint import Checkpoint
from models.epoch_end import EpochEnd, Outputs
from models.monitor import Measurement, Monitor
from models.monitor_sample import Totals
from models.split import TrainingSplit, cuts_nodule
from tests.models.test_board import events
from tests.models.test_dataset import with_training
from tests.models.test_monitor import HELD_OUT

CURVES = ("loss", "dice", "monitor_dice", "monitor_error", "learning_rate")


def run_epochs(
    split: TrainingSplit,
    tmp_path: Path,
    figures: Sequence[float | Mapping[str, Totals]],
    before: int = 0,
    miner: Any = None,
) -> EpochEnd:
    """Runs through epochs until the callback says stop.

    Args:
        split: Settings.
        tmp_path: Where to write.
        figures: What the monitor measures in each: Dice of one patient, or the totals of several.
        before: Epochs that are done, with a Dice of 0.
        miner: Looks for false positives.
    """
    values = iter(figures)
    monitor = Monitor(split, HELD_OUT)

    def measure(_: Any, wanted: int) -> Measurement:
        """The next figure."""
        found = next(values)
        totals = found if isinstance(found, Mapping) else {"patient0": (found, 1.0)}
        common, total = np.sum(list(totals.values()), axis=0)
        return Measurement(common / total, 0.125, wanted, totals)

    monitor.measure = measure  # type: ignore[method-assign]
    checkpoint = Checkpoint(str(tmp_path / "resume"))
    outputs = Outputs(checkpoint, str(tmp_path / "history.json"), str(tmp_path / "logs"), {"a": 1})
    rows = [
        {
            **{"epoch": number + 1, "monitor_dice": 0.0, "monitor_error": 0.0},
            **{"monitor_slices": 3, "monitor_totals": {"patient0": [0.0, 1.0]}},
        }
        for number in range(before)
    ]
    callback = EpochEnd(monitor, outputs, rows, miner)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    model.compile(optimizer="sgd", loss="mse")
    callback.set_model(model)
    for epoch in range(before, before + len(figures)):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, "dice": 0.5})
        if getattr(model, "stop_training", False):
            break
    return callback


@pytest.mark.parametrize(("patience", "epochs"), [(0, 3), (1, 3), (2, 4), (3, 9)])
def test_stops_after_so_many_epochs_without_a_better_one(
    split: TrainingSplit, tmp_path: Path, patience: int, epochs: int
) -> None:
    patient = with_training(split, epochs=9, patience=patience)
    figures = [0.1, 0.4, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]  # an equal one is no better
    callback = run_epochs(patient, tmp_path, figures)
    assert len(callback.epochs) == epochs
    assert callback.history()["stopped_early"] is (epochs < 9)


def test_history_knows_the_best_and_how_it_was_measured(
    split: TrainingSplit, tmp_path: Path
) -> None:
    patient = with_training(split, epochs=9, patience=1, monitor_slices=2)
    run_epochs(patient, tmp_path, [0.1, 0.4, 0.3])
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["best_epoch"] == 2 and history["best_monitor_dice"] == 0.4
    assert history["stopped_early"] is True and history["a"] == 1
    rows = history["epochs"]
    measured = {"monitor_dice", "monitor_error", "monitor_slices", "monitor_totals"}
    assert set(rows[0]) == {"epoch", "loss", "dice", "learning_rate", "seconds", *measured}
    assert [row["monitor_slices"] for row in rows] == [2, 4, 6]  # an error of 0.125 is too large
    assert rows[0]["monitor_error"] == 0.125


def test_an_epoch_has_the_seconds_of_looking_for_false_positives_too(
    split: TrainingSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("models.epoch_end.time.monotonic", lambda: clock.now)

    def mine(*_: Any) -> None:
        """Takes seven seconds."""
        clock.now += 7.0

    miner = SimpleNamespace(mine=mine, places=SimpleNamespace(state={}))
    callback = run_epochs(with_training(split, epochs=2), tmp_path, [0.1, 0.2], miner=miner)
    # Nothing is looked for after the last epoch.
    assert [row["seconds"] for row in callback.epochs] == [7.0, 0.0]
    assert json.loads((tmp_path / "history.json").read_text())["epochs"] == callback.epochs


def test_without_a_gain_from_0_the_first_epoch_is_the_best(
    split: TrainingSplit, tmp_path: Path
) -> None:
    callback = run_epochs(with_training(split, patience=2, epochs=9), tmp_path, [0.0, 0.0, 0.0])
    assert callback.finished and callback.best["epoch"] == 1
    assert (tmp_path / "resume" / "kept.weights.h5").exists()


def test_ends_with_the_last_epoch(split: TrainingSplit, tmp_path: Path) -> None:
    callback = run_epochs(with_training(split, epochs=2), tmp_path, [0.1, 0.2])
    assert callback.finished and callback.history()["stopped_early"] is False


def test_before_the_first_epoch_nothing_is_finished(split: TrainingSplit, tmp_path: Path) -> None:
    callback = run_epochs(split, tmp_path, [])
    assert not callback.finished and callback.history()["best_epoch"] == 0


def test_goes_on_from_the_rows_of_an_interrupted_run(split: TrainingSplit, tmp_path: Path) -> None:
    callback = run_epochs(with_training(split, epochs=3), tmp_path, [0.3], before=2)
    assert [row["epoch"] for row in callback.epochs] == [1, 2, 3]
    assert callback.finished and callback.epochs[-1]["monitor_slices"] == 3


def test_logs_progress(
    split: TrainingSplit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="noduleflow.progress"):
        run_epochs(with_training(split, epochs=2), tmp_path, [0.25])
    [record] = caplog.records
    assert record.progress == ("epochs", 1, 2, "Dice of held-out slices 0.250 ± 0.125")  # type: ignore[attr-defined]


def test_writes_settings_curves_and_pictures_for_tensorboard(
    split: TrainingSplit, tmp_path: Path
) -> None:
    run_epochs(split, tmp_path, [0.2, 0.3])
    found = events(tmp_path / "logs")
    assert [value.tag for step, value in found if step == 0] == ["training"]
    names = [{value.tag for at, value in found if at == step} for step in (1, 2)]
    pictures = {name for name in names[0] if "/" in name}
    assert names[0] == names[1] == {*CURVES, *pictures}
    # Of the four slices that are held out and cut a nodule three are shown.
    nodules = {f"series-patient0/{row.index}" for row in split.index if cuts_nodule(row)}
    assert len(pictures) == 3 and pictures <= nodules


# Dice 0.7 of the first patient and 0.5 of the other: 0.6 together.
BEST = {"patient0": (0.7, 1.0), "patient1": (0.5, 1.0)}
# 0.6 and 0.5: 0.55. Without one patient the difference to BEST is 0, without the other 0.1, so its
# error is sqrt(1/2 * 2 * 0.05²) = 0.05, no less than the 0.05 that it lacks.
AS_GOOD = {"patient0": (0.6, 1.0), "patient1": (0.5, 1.0)}
# 0.59 and 0.4: 0.495. The differences are 0.1 and 0.11, their error 0.005, and 0.105 is lacking.
WORSE = {"patient0": (0.59, 1.0), "patient1": (0.4, 1.0)}


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        ([WORSE, BEST, AS_GOOD], 3),
        ([AS_GOOD, BEST, WORSE], 2),
        ([BEST, AS_GOOD, WORSE], 2),
        ([BEST, WORSE, AS_GOOD], 3),
        ([BEST, BEST], 2),
        ([WORSE, AS_GOOD], 2),
    ],
)
def test_the_last_epoch_that_is_as_good_as_the_best_is_kept(
    split: TrainingSplit, tmp_path: Path, figures: list[Mapping[str, Totals]], kept: int
) -> None:
    callback = run_epochs(with_training(split, epochs=9, patience=9), tmp_path, figures)
    history = callback.history()
    assert history["kept_epoch"] == kept == callback.kept["epoch"]
    assert history["kept_monitor_dice"] == callback.epochs[kept - 1]["monitor_dice"]


def test_the_weights_of_the_epoch_that_is_kept_are_on_disk(
    split: TrainingSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    monkeypatch.setattr(Checkpoint, "save_kept", lambda self, model: saved.append(model))
    run_epochs(with_training(split, epochs=9, patience=9), tmp_path, [AS_GOOD, BEST, WORSE])
    assert len(saved) == 2  # after the first epoch and the second


def test_with_one_patient_the_best_is_kept(split: TrainingSplit, tmp_path: Path) -> None:
    callback = run_epochs(with_training(split, epochs=9, patience=9), tmp_path, [0.6, 0.59])
    assert callback.kept["epoch"] == 1
