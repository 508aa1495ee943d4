"""Dice of held-out patients while training: of its crops, and of whole slices not trained on."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lungct.metrics import Overlap, overlap_of
from models.holdout import Holdout, is_held_out
from models.ignored import covered_and_counted
from models.monitor_sample import (
    Stratum,
    Totals,
    allocate,
    draw,
    grown,
    pooled_dice_estimate,
    totals_by_patient,
)
from models.monitor_slices import SliceReader, WholeSlice, batches, padded
from models.preprocessing import normalise
from models.split import TrainingSplit, cuts_nodule
from schema import features
from schema.slices import IndexRow

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
        covered, counted = covered_and_counted(y_true)
        truth = ops.cast(covered >= _TRUE_PART, "float32")
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
        patients: What each patient has in the sums that Dice is the ratio of.
    """

    dice: float
    error: float
    slices: int
    patients: Mapping[str, Totals]


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
        # As the exported model does, and no further: a network that was trained on crops has seen
        # little of what goes on beyond their edge.
        self._multiple = settings.model.stride
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
        return Measurement(dice, error, sum(counts), totals_by_patient(strata))

    def _predicted(
        self, size: int, sample: Sequence[IndexRow], predict: Callable[[Any], Any]
    ) -> Stratum:
        """Voxel counts of the sampled slices of a stratum."""
        found = list(batches(sample, _PREDICTION_BATCH))
        counts = [
            (both.common, both.predicted, both.truth)
            for batch in found
            for both in self._overlaps([self._reader.read(row) for row in batch], predict)
        ]
        patients = [row.patient_id for batch in found for row in batch]
        common, predicted, truth = np.array(counts, np.int64).reshape(-1, 3).T
        return Stratum(size, common, predicted, truth, patients)

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
