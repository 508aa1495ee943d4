"""The end of an epoch: Dice on held-out patients, early stopping, history, progress."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lungct import progress
from lungct.metrics import OverlapSums, slice_overlap
from models.checkpoint import Checkpoint, write_json
from models.dataset import SplitData, whole_slices
from models.holdout import Holdout
from schema import features

_PREDICTION_BATCH = 4
_TRUE_PART = features.COVERAGE_THRESHOLD / 255.0


class PooledDice(keras.metrics.Metric):
    """Pooled Dice of the training crops of an epoch, by logits and soft truth."""

    def __init__(self, threshold: float, name: str = "dice") -> None:
        """Sets the probability from which a pixel is predicted."""
        super().__init__(name=name, dtype="float32")
        self._logit = math.log(threshold / (1 - threshold))
        self.overlap = self.add_weight(name="overlap", initializer="zeros")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch; weights are not used."""
        truth = ops.cast(y_true >= _TRUE_PART, "float32")
        predicted = ops.cast(y_pred >= self._logit, "float32")
        self.overlap.assign_add(2.0 * ops.sum(truth * predicted))
        self.total.assign_add(ops.sum(truth) + ops.sum(predicted))

    def result(self) -> Any:
        """Dice so far; 0 before anything is true or predicted."""
        return ops.divide_no_nan(self.overlap, self.total)


class Monitor:
    """Pooled Dice of the held-out slices, as it would be over all of their patients' slices.

    Only some of the slices without nodule are predicted; false voxels in them are weighted to stand
    for the rest.
    """

    def __init__(self, split: SplitData, holdout: Holdout) -> None:
        """Prepares the slices; they are read with the first measurement and then kept."""
        threshold = split.settings.probability_threshold
        self.training = split.settings.training
        self._logit = math.log(threshold / (1 - threshold))
        self._weight = holdout.other_weight
        self._nodules = whole_slices(split, holdout.nodule_keys, _PREDICTION_BATCH)
        self._others = whole_slices(split, holdout.other_keys, _PREDICTION_BATCH)

    def measure(self, predict: Callable[[Any], Any]) -> float:
        """Predicts the slices.

        Args:
            predict: From images float32 (N, H, W, C) to logits (N, H, W, 1).

        Returns:
            Pooled Dice; 0 when nothing is predicted nor true.
        """
        nodules = self._overlap(self._nodules, predict)
        others = self._overlap(self._others, predict)
        predicted = nodules.predicted + self._weight * others.predicted
        return OverlapSums(nodules.intersection, max(predicted, 1.0), nodules.truth).pooled_dice

    def _overlap(self, slices: tf.data.Dataset, predict: Callable[[Any], Any]) -> OverlapSums:
        total = OverlapSums()
        for image, truth in slices.as_numpy_iterator():
            logits = np.asarray(predict(image), np.float32)[..., 0]
            for one, true_part in zip(logits, truth, strict=True):
                total = total + slice_overlap(one >= self._logit, true_part >= _TRUE_PART)
        return total


@dataclass(frozen=True)
class Outputs:
    """Where a run writes, and the facts about it that go into its history.

    Attributes:
        checkpoint: State to resume from, and the best weights.
        history_path: `history.json`.
        logs: Folder of TensorBoard's files.
        facts: Parameters, precision, patients held out and the like, as JSON.
    """

    checkpoint: Checkpoint
    history_path: str
    logs: str
    facts: dict[str, Any]


class EpochEnd(keras.callbacks.Callback):
    """Measures the monitor Dice, keeps the best weights and stops when it has stopped growing."""

    def __init__(self, monitor: Monitor, outputs: Outputs, epochs: list[dict[str, Any]]) -> None:
        """Starts from the epochs that are done.

        Args:
            monitor: Measures Dice on what training does not see.
            outputs: Where to write.
            epochs: Rows of the history of an interrupted run, else empty.
        """
        super().__init__()
        self.epochs = list(epochs)
        self._monitor = monitor
        self._outputs = outputs
        self._training = monitor.training
        self._writer = tf.summary.create_file_writer(outputs.logs)
        self._begin = time.monotonic()

    @property
    def best(self) -> dict[str, Any]:
        """The row of the epoch with the highest monitor Dice."""
        return max(self.epochs, key=lambda row: row["monitor_dice"])

    @property
    def finished(self) -> bool:
        """Whether patience has run out or all epochs are done."""
        if not self.epochs:
            return False
        waited = len(self.epochs) - self.best["epoch"]
        # Right after a better epoch training goes on, also with a patience of 0.
        patience = max(self._training.patience, 1)
        return waited >= patience or len(self.epochs) >= self._training.epochs

    def history(self) -> dict[str, Any]:
        """What `history.json` holds."""
        best = self.best if self.epochs else {"epoch": 0, "monitor_dice": 0.0}
        return {
            **self._outputs.facts,
            "epochs": self.epochs,
            "best_epoch": best["epoch"],
            "best_monitor_dice": best["monitor_dice"],
            "stopped_early": 0 < len(self.epochs) < self._training.epochs and self.finished,
        }

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._begin = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch to the history, saves the weights, and stops a run that is finished."""
        self._add_row(epoch + 1, logs or {})
        if self.best["epoch"] == epoch + 1:
            self._outputs.checkpoint.save_best(self.model)
        self._outputs.checkpoint.save(self.model, {"epochs": self.epochs})
        write_json(self._outputs.history_path, self.history())
        self._report()
        if self.finished:
            self.model.stop_training = True

    def _add_row(self, epoch: int, logs: dict[str, float]) -> None:
        dice = self._monitor.measure(self.model.predict_on_batch)
        row = {
            "epoch": epoch,
            "loss": float(logs["loss"]),
            "dice": float(logs["dice"]),
            "monitor_dice": dice,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(time.monotonic() - self._begin, 3),
        }
        self.epochs.append(row)
        with self._writer.as_default(step=epoch):
            for name in ("loss", "dice", "monitor_dice", "learning_rate"):
                tf.summary.scalar(name, row[name])
        self._writer.flush()

    def _report(self) -> None:
        total = len(self.epochs) if self.finished else self._training.epochs
        note = f"Dice of held-out slices {self.epochs[-1]['monitor_dice']:.3f}"
        progress.advance("epochs", len(self.epochs), total, note)
