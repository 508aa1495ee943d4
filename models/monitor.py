"""Dice of held-out patients while training: of its crops, and of whole slices not trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from lungct.metrics import Overlap, overlap_of
from models.holdout import Holdout, is_held_out
from models.ignored import covered_and_counted
from models.logits import logit
from models.monitor_sample import (
    Stratum,
    Totals,
    allocate,
    draw,
    grown,
    pooled_dice_estimate,
    totals_by_patient,
)
from models.monitor_slices import SliceReader, WholeSlice, batches
from models.pictures import Pixels, side_by_side
from models.slice_logits import BATCH, Predict, SliceLogits
from models.split import TrainingSplit, cuts_nodule
from schema import features
from schema.slices import IndexRow

_SHOWN = 3  # slices in pictures
_TRUE_PART = features.COVERAGE_THRESHOLD / 255.0


class PooledDice(keras.metrics.Metric):
    """Pooled Dice of the training crops of an epoch, by logits and soft truth."""

    def __init__(self, threshold: float, name: str = "dice") -> None:
        """Sets the probability from which a pixel is predicted."""
        super().__init__(name=name, dtype="float32")
        self._logit = logit(threshold)
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
        self._logit = logit(settings.probability_threshold)
        self._window_hu = settings.intensity.window_hu
        self._reader = SliceReader(split, settings.training.cache_bytes)
        self._logits = SliceLogits(split)
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

    def measure(self, predict: Predict, wanted: int) -> Measurement:
        """Predicts a sample of the slices.

        Args:
            predict: The network.
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

    def pictures(self, predict: Predict) -> dict[str, Pixels]:
        """Shows some slices with nodules, the same ones each time.

        Returns:
            By series and z, see `models.pictures.side_by_side`.
        """
        rows = draw(self._strata[0], _SHOWN, self.training.seed)
        return {
            f"{row.series_uid}/{row.index}": self._picture(self._reader.read(row), predict)
            for row in rows
        }

    def _picture(self, one: WholeSlice, predict: Predict) -> Pixels:
        (logits,) = self._logits(predict, [one])
        return side_by_side(one, logits, self._window_hu)

    def _predicted(self, size: int, sample: Sequence[IndexRow], predict: Predict) -> Stratum:
        """Voxel counts of the sampled slices of a stratum."""
        found = list(batches(sample, BATCH))
        counts = [
            (both.common, both.predicted, both.truth)
            for batch in found
            for both in self._overlaps([self._reader.read(row) for row in batch], predict)
        ]
        patients = [row.patient_id for batch in found for row in batch]
        common, predicted, truth = np.array(counts, np.int64).reshape(-1, 3).T
        return Stratum(size, common, predicted, truth, patients)

    def _overlaps(self, slices: Sequence[WholeSlice], predict: Predict) -> list[Overlap]:
        """The overlap of each slice of a batch."""
        return [
            overlap_of((logits >= self._logit) & one.judged, one.truth)
            for logits, one in zip(self._logits(predict, slices), slices, strict=True)
        ]
