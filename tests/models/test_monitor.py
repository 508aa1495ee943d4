import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.checkpoint import Checkpoint
from models.dataset import SplitData
from models.holdout import Holdout
from models.monitor import EpochEnd, Monitor, Outputs, PooledDice
from tests.models import synthetic
from tests.models.test_dataset import with_training

KEYS = ("series-patient0/0", "series-patient0/3")
OTHERS = ("series-patient0/1",)


def test_training_dice_is_pooled_over_batches() -> None:
    metric = PooledDice(threshold=0.5)
    assert float(metric.result()) == 0.0
    metric.update_state(np.array([1.0, 0.6, 0.0]), np.array([3.0, -3.0, -3.0]))
    metric.update_state(np.array([0.0, 0.4, 0.0]), np.array([3.0, -3.0, 3.0]))
    # 0.6 covered is truth, 0.4 is not: overlap 1, predicted 3, true 2
    assert float(metric.result()) == pytest.approx(2 * 1 / 5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_threshold_is_one_of_probability() -> None:
    metric = PooledDice(threshold=0.9)
    metric.update_state(np.array([1.0, 1.0]), np.array([2.0, 2.3]))  # 0.88 and 0.91
    assert float(metric.result()) == pytest.approx(2 * 1 / 3)


def everywhere(images: Any) -> Any:
    return np.full((*images.shape[:3], 1), 5.0)


def test_monitor_counts_others_for_those_not_predicted(split: SplitData) -> None:
    truth = sum(
        int(np.sum(synthetic.make_slice("patient0", i, 4.0).coverage >= 128)) for i in (0, 3)
    )
    monitor = Monitor(split, Holdout((), KEYS, OTHERS, other_weight=3.0))
    predicted = 32 * 32 * (2 + 3)  # two slices with nodules, one for three without
    assert monitor.measure(everywhere) == pytest.approx(2 * truth / (truth + predicted))


def test_monitor_of_nothing_predicted_is_0(split: SplitData) -> None:
    monitor = Monitor(split, Holdout((), KEYS, (), 0.0))
    assert monitor.measure(lambda images: -everywhere(images)) == 0.0


def run_epochs(split: SplitData, tmp_path: Path, figures: list[float], before: int = 0) -> EpochEnd:
    """Runs through epochs with these monitor figures until the callback says stop."""
    values = iter(figures)
    monitor = Monitor(split, Holdout(("p",), KEYS, (), 0.0))
    monitor.measure = lambda predict: next(values)  # type: ignore[method-assign]
    checkpoint = Checkpoint(str(tmp_path / "resume"))
    outputs = Outputs(checkpoint, str(tmp_path / "history.json"), str(tmp_path / "logs"), {"a": 1})
    rows = [{"epoch": i + 1, "monitor_dice": 0.0} for i in range(before)]
    callback = EpochEnd(monitor, outputs, rows)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    callback.set_model(model)
    for epoch in range(before, before + len(figures)):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, "dice": 0.5})
        if getattr(model, "stop_training", False):
            break
    return callback


def test_stops_when_patience_has_run_out_and_knows_the_best(
    split: SplitData, tmp_path: Path
) -> None:
    patient = with_training(split, epochs=9, patience=2)
    callback = run_epochs(patient, tmp_path, [0.1, 0.4, 0.3, 0.35, 0.9])
    assert len(callback.epochs) == 4  # two epochs without a better Dice
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["best_epoch"] == 2 and history["best_monitor_dice"] == 0.4
    assert history["stopped_early"] is True and history["a"] == 1
    assert set(history["epochs"][0]) == {
        "epoch",
        "loss",
        "dice",
        "monitor_dice",
        "learning_rate",
        "seconds",
    }


@pytest.mark.parametrize("patience", [0, 1])
def test_the_first_epoch_that_is_no_better_is_the_earliest_end(
    split: SplitData, tmp_path: Path, patience: int
) -> None:
    patient = with_training(split, epochs=9, patience=patience)
    callback = run_epochs(patient, tmp_path, [0.1, 0.4, 0.4, 0.9])
    assert len(callback.epochs) == 3 and callback.best["epoch"] == 2


def test_ends_with_the_last_epoch(split: SplitData, tmp_path: Path) -> None:
    callback = run_epochs(with_training(split, epochs=2), tmp_path, [0.1, 0.2])
    assert callback.finished and callback.history()["stopped_early"] is False


def test_before_the_first_epoch_nothing_is_finished(split: SplitData, tmp_path: Path) -> None:
    callback = run_epochs(split, tmp_path, [])
    assert not callback.finished and callback.history()["best_epoch"] == 0


def test_goes_on_from_the_rows_of_an_interrupted_run(split: SplitData, tmp_path: Path) -> None:
    callback = run_epochs(with_training(split, epochs=3), tmp_path, [0.3], before=2)
    assert [row["epoch"] for row in callback.epochs] == [1, 2, 3]
    assert callback.finished


def test_logs_progress(split: SplitData, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="noduleflow.progress"):
        run_epochs(with_training(split, epochs=2), tmp_path, [0.25])
    [record] = caplog.records
    assert record.progress == ("epochs", 1, 2, "Dice of held-out slices 0.250")  # type: ignore[attr-defined]


def test_writes_curves_for_tensorboard(split: SplitData, tmp_path: Path) -> None:
    run_epochs(split, tmp_path, [0.2])
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))
