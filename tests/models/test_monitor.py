import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.checkpoint import Checkpoint
from models.holdout import Holdout
from models.ignored import IGNORED
from models.monitor import EpochEnd, Measurement, Monitor, Outputs, PooledDice, predictor
from models.split import TrainingSplit, cuts_nodule
from schema import features
from schema.slices import read_run
from tests.models import synthetic

HELD_OUT = Holdout(("patient0",))
SCAN = synthetic.make_scan("patient0", 6, ((1, 6.0), (4, 4.0)))  # as in the split
TRUTH = SCAN.coverage >= features.COVERAGE_THRESHOLD
PIXELS = synthetic.ROWS * synthetic.COLUMNS


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


def with_training(split: TrainingSplit, **values: Any) -> TrainingSplit:
    training = replace(split.settings.training, **values)
    return replace(split, settings=replace(split.settings, training=training))


def everywhere(images: Any) -> Any:
    return np.full((*images.shape[:3], 1), 5.0)


def brightest(images: Any) -> Any:
    """Predicts the pixels above the mean of the transform graph; how many differs by slice."""
    return np.asarray(images)[..., 1:2]


def test_training_dice_passes_over_ignored_voxels() -> None:
    metric = PooledDice(threshold=0.5)
    metric.update_state(np.array([1.0, 0.0, IGNORED, IGNORED]), np.array([3.0, 3.0, 3.0, -3.0]))
    # overlap 1, predicted 2, true 1
    assert float(metric.result()) == pytest.approx(2 * 1 / 3)


def test_of_all_slices_the_monitor_measures_pooled_dice(split: TrainingSplit) -> None:
    measured = Monitor(split, HELD_OUT).measure(everywhere, 500)
    truth = int(TRUTH.sum())
    # Padding to 32 by 64 is cut off again.
    expected = 2 * truth / (truth + 6 * PIXELS)
    assert measured.dice == pytest.approx(expected)
    assert (measured.error, measured.slices) == (0.0, 6)


def few_with_nodules(split: TrainingSplit) -> Holdout:
    """Two slices with nodules, and all without."""
    with_nodules = [row for row in split.index if cuts_nodule(row)][:2]
    without = [row for row in split.index if not cuts_nodule(row)]
    assert len(without) == 8
    return Holdout((), frozenset((row.series_uid, row.index) for row in with_nodules + without))


def test_those_not_predicted_count_too(split: TrainingSplit) -> None:
    monitor = Monitor(split, few_with_nodules(split))
    # Both slices with nodules, 4 of 8 others, of which all have the same false voxels.
    part = monitor.measure(everywhere, 6)
    assert part == Measurement(monitor.measure(everywhere, 500).dice, 0.0, 6)
    truth = round(part.dice * 10 * PIXELS / (2 - part.dice))  # D = 2 T / (T + 10 slices)
    assert truth == int(TRUTH[TRUTH.any(axis=(1, 2))][:2].sum())


def test_slices_that_differ_give_an_error(split: TrainingSplit) -> None:
    monitor = Monitor(split, few_with_nodules(split))
    assert monitor.measure(brightest, 6).error > 0
    assert monitor.measure(brightest, 10).error == 0


def test_a_monitor_of_the_same_seed_measures_alike(split: TrainingSplit) -> None:
    holdout = few_with_nodules(split)
    one, two = (Monitor(split, holdout).measure(brightest, 6) for _ in range(2))
    assert one == two


def test_nothing_predicted_is_0(split: TrainingSplit) -> None:
    measured = Monitor(split, HELD_OUT).measure(lambda images: -everywhere(images), 500)
    assert measured == Measurement(0.0, 0.0, 6)


def test_single_slices_can_be_held_out(split: TrainingSplit) -> None:
    held = frozenset({("series-patient1", 0), ("series-patient1", 2), ("series-patient2", 1)})
    monitor = Monitor(split, Holdout((), held))
    assert monitor.slices == 3 and monitor.measure(everywhere, 500).slices == 3


def test_the_network_sees_neighbours_and_edges_continued(split: TrainingSplit) -> None:
    seen = []

    def look(images: Any) -> Any:
        """Keeps the images."""
        seen.append(np.asarray(images))
        return everywhere(images)

    Monitor(split, HELD_OUT).measure(look, 500)
    assert {images.shape[1:] for images in seen} == {(32, 64, 3)}  # 40 columns go on to 64
    hu = np.clip(SCAN.hu.astype(np.float64), -1000, 400)
    image = (hu - synthetic.MEAN_HU) / synthetic.DEVIATION_HU
    image = np.concatenate([image, np.repeat(image[..., -1:], 24, axis=-1)], axis=-1)
    expected = np.stack([image[[0, *range(5)]], image, image[[*range(1, 6), 5]]], axis=-1)
    found = np.concatenate(seen)
    places = [int(np.argmin(np.abs(expected - one).sum(axis=(1, 2, 3)))) for one in found]
    assert sorted(places) == list(range(6))
    np.testing.assert_allclose(found, expected[places], atol=1e-4)


@pytest.mark.parametrize(("cache_bytes", "again"), [(10**6, 0), (PIXELS * 7 * 2, 4), (0, 6)])
def test_slices_are_read_once_as_far_as_memory_goes(
    split: TrainingSplit, monkeypatch: pytest.MonkeyPatch, cache_bytes: int, again: int
) -> None:
    reads = []

    def counted(folder: str, run: Any) -> Any:
        """Notes which slices are read."""
        reads.append([row.index for row in run])
        return read_run(folder, run)

    monkeypatch.setattr("models.monitor_slices.read_run", counted)
    # A slice takes 3 times 2 bytes a pixel for HU and 1 for truth.
    monitor = Monitor(with_training(split, cache_bytes=cache_bytes), HELD_OUT)
    first = monitor.measure(everywhere, 500)
    assert sorted(reads) == [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5]]
    reads.clear()
    assert monitor.measure(everywhere, 500) == first
    assert len(reads) == again


def test_slices_are_predicted_together_with_those_of_their_scan(split: TrainingSplit) -> None:
    sizes = []

    def look(images: Any) -> Any:
        """Keeps the size of the batch."""
        sizes.append(len(images))
        return everywhere(images)

    Monitor(split, Holdout(("patient0", "patient1"))).measure(look, 500)
    assert sum(sizes) == 12 and len(sizes) <= 6


def test_more_slices_are_wanted_where_the_error_was_too_large(split: TrainingSplit) -> None:
    split = with_training(split, monitor_slices=2, monitor_error=0.02)
    monitor = Monitor(split, HELD_OUT)
    assert monitor.wanted([]) == 2
    rows = [{"monitor_slices": 4, "monitor_error": 0.01}]
    assert monitor.wanted(rows) == 4
    assert monitor.wanted([*rows, {"monitor_slices": 4, "monitor_error": 0.03}]) == 6  # all


def test_the_network_is_traced_for_few_sizes() -> None:
    traces = []

    def network(image: Any, training: bool) -> Any:
        """Notes that it is traced."""
        traces.append(image.shape)
        assert training is False
        return image[..., :1]

    predict = predictor(network)
    for count, columns in ((4, 32), (3, 64), (2, 96), (1, 128), (4, 160)):
        assert predict(tf.zeros((count, 32, columns, 3))).shape == (count, 32, columns, 1)
    assert len(traces) == 2


def run_epochs(
    split: TrainingSplit, tmp_path: Path, figures: list[float], before: int = 0
) -> EpochEnd:
    """Runs through epochs with these monitor figures until the callback says stop."""
    values = iter(figures)
    monitor = Monitor(split, HELD_OUT)
    monitor.measure = lambda predict, wanted: Measurement(  # type: ignore[method-assign]
        next(values), 0.125, wanted
    )
    checkpoint = Checkpoint(str(tmp_path / "resume"))
    outputs = Outputs(checkpoint, str(tmp_path / "history.json"), str(tmp_path / "logs"), {"a": 1})
    rows = [
        {"epoch": i + 1, "monitor_dice": 0.0, "monitor_error": 0.0, "monitor_slices": 3}
        for i in range(before)
    ]
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
    measured = {"monitor_dice", "monitor_error", "monitor_slices"}
    assert set(rows[0]) == {"epoch", "loss", "dice", "learning_rate", "seconds", *measured}
    assert [row["monitor_slices"] for row in rows] == [2, 4, 6]  # an error of 0.125 is too large
    assert rows[0]["monitor_error"] == 0.125


def test_without_a_gain_from_0_the_first_epoch_is_the_best(
    split: TrainingSplit, tmp_path: Path
) -> None:
    callback = run_epochs(with_training(split, patience=2, epochs=9), tmp_path, [0.0, 0.0, 0.0])
    assert callback.finished and callback.best["epoch"] == 1
    assert (tmp_path / "resume" / "best.weights.h5").exists()


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


def test_writes_curves_for_tensorboard(split: TrainingSplit, tmp_path: Path) -> None:
    run_epochs(split, tmp_path, [0.2])
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))
