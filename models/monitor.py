"""The end of an epoch: Dice on held-out patients, early stopping, history, progress."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lungct import progress
from lungct.metrics import Overlap, overlap_of
from models.checkpoint import Checkpoint, write_json
from models.holdout import Holdout, is_held_out
from models.ignored import covered_and_counted
from models.monitor_sample import Stratum, allocate, draw, grown, pooled_dice_estimate
from models.monitor_slices import SliceReader, WholeSlice, batches, padded
from models.preprocessing import normalise
from models.split import TrainingSplit, cuts_nodule
from schema import features
from schema.slices import IndexRow

_PREDICTION_BATCH = 4
_MULTIPLE = 32  # pixels that slices are padded to a multiple of, so that few sizes occur
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
        _, counted = covered_and_counted(y_true)
        predicted = ops.cast(y_pred >= self._logit, "float32") * counted
        self.overlap.assign_add(2.0 * ops.sum(truth * predicted))
        self.total.assign_add(ops.sum(truth) + ops.sum(predicted))

    def result(self) -> Any:
        """Dice so far; 0 before anything is true or predicted."""
        return ops.divide_no_nan(self.overlap, self.total)


@dataclass(frozen=True)
class Measurement:
    """What the monitor measured after an epoch.

    Attributes:
        dice: Estimate of pooled Dice over all slices that are held out.
        error: Its standard error; 0 where all slices were predicted.
        slices: How many slices were predicted.
    """

    dice: float
    error: float
    slices: int


class Monitor:
    """Pooled Dice of all slices that are held out, estimated from a sample of them."""

    def __init__(self, split: TrainingSplit, holdout: Holdout) -> None:
        """Groups the slices that are held out; they are read with the first measurement.

        Args:
            split: The train split.
            holdout: What of it training does not see.
        """
        settings = split.settings
        self.training = settings.training
        threshold = settings.probability_threshold
        self._logit = math.log(threshold / (1 - threshold))
        self._multiple = max(settings.model.stride, _MULTIPLE)
        self._reader = SliceReader(split)
        self._normalise = tf.function(partial(normalise, split.transform), reduce_retracing=True)
        held = [row for row in split.index if is_held_out(row, holdout)]
        with_nodules = [row for row in held if cuts_nodule(row)]
        without = [row for row in held if not cuts_nodule(row)]
        self._strata = (with_nodules, without)

    @property
    def slices(self) -> int:
        """How many slices are held out."""
        return sum(len(rows) for rows in self._strata)

    def wanted(self, epochs: Sequence[Mapping[str, Any]]) -> int:
        """How many slices the next epoch measures.

        Args:
            epochs: Rows of the history; the last one decides, so that a resumed run measures as an
                undisturbed one.
        """
        if not epochs:
            return self.training.monitor_slices
        last, largest = epochs[-1], self.training.monitor_error
        return grown(last["monitor_slices"], last["monitor_error"], largest, self.slices)

    def measure(self, predict: Callable[[Any], Any], wanted: int) -> Measurement:
        """Predicts a sample of the slices.

        Args:
            predict: From images float32 (N, H, W, C) to logits (N, H, W, 1); H and W are multiples
                of the network's stride.
            wanted: How many slices, as far as there are so many.

        Raises:
            ValueError: The file of a scan is damaged.
            tf.errors.OpError: It can't be read.
        """
        with_nodules, without = self._strata
        counts = allocate(len(with_nodules), len(without), wanted)
        seeds = (self.training.seed, self.training.seed + 1)
        samples = [
            draw(rows, count, seed)
            for rows, count, seed in zip(self._strata, counts, seeds, strict=True)
        ]
        strata = [
            self._predicted(len(rows), sample, predict)
            for rows, sample in zip(self._strata, samples, strict=True)
        ]
        dice, error = pooled_dice_estimate(strata)
        return Measurement(dice, error, sum(counts))

    def _predicted(
        self, size: int, sample: Sequence[IndexRow], predict: Callable[[Any], Any]
    ) -> Stratum:
        """Voxel counts of the sampled slices of a stratum."""
        counts = [
            (both.common, both.predicted, both.truth)
            for batch in batches(sample, _PREDICTION_BATCH)
            for both in self._overlaps([self._reader.read(row) for row in batch], predict)
        ]
        return Stratum(size, *np.array(counts, np.int64).reshape(-1, 3).T)

    def _overlaps(
        self, slices: Sequence[WholeSlice], predict: Callable[[Any], Any]
    ) -> list[Overlap]:
        """The overlap of each slice of a batch."""
        hu = padded(np.stack([one.hu for one in slices]), self._multiple)
        image = self._normalise(np.moveaxis(hu, 1, -1))
        rows, columns = slices[0].truth.shape
        logits = np.asarray(predict(image), np.float32)[:, :rows, :columns, 0]
        return [
            overlap_of(logit >= self._logit, one.truth)
            for logit, one in zip(logits, slices, strict=True)
        ]


def predictor(model: keras.Model) -> Callable[[Any], Any]:
    """The network as a function of images, traced once for all sizes.

    Not `predict_on_batch`: where training is compiled by XLA, that compiles anew for each size.

    Args:
        model: From images float32 (N, H, W, C) to logits float32 (N, H, W, 1).
    """

    def logits(image: Any) -> Any:
        """Logits as at inference."""
        return model(image, training=False)

    return tf.function(logits, jit_compile=False, reduce_retracing=True)  # type: ignore[no-any-return]


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
        self._predict: Callable[[Any], Any] | None = None
        self._begin = time.monotonic()

    @property
    def best(self) -> dict[str, Any]:
        """The row of the epoch with the highest monitor Dice; the first one of equals."""
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
        """Starts the clock, and dropout where this epoch has it whatever came before.

        Keras keeps the state of dropout's random numbers out of the weights: without this a resumed
        run would go on with other ones.
        """
        self._begin = time.monotonic()
        state = [self._training.seed, epoch * self._training.steps_per_epoch]
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(state)

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
        if self._predict is None:
            self._predict = predictor(self.model)
        measured = self._monitor.measure(self._predict, self._monitor.wanted(self.epochs))
        row = {
            "epoch": epoch,
            "loss": float(logs["loss"]),
            "dice": float(logs["dice"]),
            "monitor_dice": measured.dice,
            "monitor_error": measured.error,
            "monitor_slices": measured.slices,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": round(time.monotonic() - self._begin, 3),
        }
        self.epochs.append(row)
        with self._writer.as_default(step=epoch):
            for name in ("loss", "dice", "monitor_dice", "monitor_error", "learning_rate"):
                tf.summary.scalar(name, row[name])
        self._writer.flush()

    def _report(self) -> None:
        total = len(self.epochs) if self.finished else self._training.epochs
        dice, error = (self.epochs[-1][f"monitor_{name}"] for name in ("dice", "error"))
        note = f"Dice of held-out slices {dice:.3f}" + (f" ± {error:.3f}" if error else "")
        progress.advance("epochs", len(self.epochs), total, note)
