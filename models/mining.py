"""Looks for false positives in slices that are trained on, between epochs."""

import math

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter  # type: ignore[import-untyped]

from models.logits import logit
from models.mined import MinedPlaces, MinedSlice
from models.monitor_slices import SliceReader, batches
from models.slice_logits import BATCH, Predict, SliceLogits
from models.split import TrainingSplit
from models.visits import VisitPlan, visits_per_epoch

# Slices to look through for each visit to a false positive; those of several epochs add up.
_SLICES_PER_VISIT = 2
_MOST = 4  # places of a slice that are kept


class Miner:
    """Predicts a sample of slices after an epoch, and notes where it was wrong."""

    def __init__(self, split: TrainingSplit, plan: VisitPlan, places: MinedPlaces) -> None:
        """Reads nothing yet.

        Args:
            split: The train split.
            plan: Knows which slices are trained on.
            places: Where the findings go.
        """
        training = split.settings.training
        self.places = places
        self._rows = split.index
        self._pool = plan.mining_pool
        # The weights of the pool are parts of all visits.
        visits = visits_per_epoch(training) * float(self._pool.until[-1]) * training.hard_negatives
        self._count = max(1, math.ceil(_SLICES_PER_VISIT * visits))
        self._logit = logit(split.settings.probability_threshold)
        self._crop_size = training.crop_size
        self._reader = SliceReader(split, keep_bytes=0)  # each epoch looks at others
        self._logits = SliceLogits(split)

    def mine(self, predict: Predict, epoch: int) -> None:
        """Adds what this epoch finds, where a later one uses it.

        Raises:
            ValueError: The file of a scan is damaged.
            tf.errors.OpError: It can't be read.
        """
        if self.places.wanted(epoch):
            self.places.add(epoch, self._found(predict, epoch))

    def _found(self, predict: Predict, epoch: int) -> list[MinedSlice]:
        drawn = np.unique(self._pool.draw(self._count, epoch))
        found = []
        for batch in batches([self._rows[place] for place in drawn], BATCH):
            slices = [self._reader.read(row) for row in batch]
            for row, one, logits in zip(batch, slices, self._logits(predict, slices), strict=True):
                pixels = false_places(logits, one.truth, self._logit, self._crop_size)
                found.append(MinedSlice(row.series_uid, row.index, pixels))
        return found


def false_places(
    logits: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_], smallest: float, crop_size: int
) -> tuple[int, ...]:
    """The places of a slice that are most wrongly predicted as nodule.

    Args:
        logits: (rows, columns).
        truth: Of the same shape.
        smallest: The logit from which on a pixel is predicted.
        crop_size: Side of the crops that will be drawn around them, in pixels.

    Returns:
        Numbers of pixels in C order, the highest logit first, 4 at most: each more than half a crop
        from every true pixel and more than a quarter of a crop from the others, along rows or
        columns.
    """
    near = maximum_filter(truth, 2 * (crop_size // 2) + 1, mode="constant")
    wrong = (logits >= smallest) & ~near
    left = np.where(wrong, logits, -np.inf)
    apart = crop_size // 4
    found: list[int] = []
    while len(found) < _MOST and np.isfinite(left).any():
        place = int(left.argmax())
        found.append(place)
        row, column = divmod(place, left.shape[1])
        left[
            max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1
        ] = -np.inf
    return tuple(found)
