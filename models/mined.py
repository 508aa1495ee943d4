"""Places of false positives, from the epoch that found them to the epochs that draw crops there.

Crops are drawn ahead of training, so an epoch can't use what the one before it found: it uses what
was found a fixed number of epochs earlier, however far ahead its crops are drawn. So what an epoch
draws depends neither on threads nor on where a run was interrupted.
"""

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from schema.hyperparameters import Training

# Epochs whose findings are used together; what is older, the network may have unlearned.
_REMEMBERED = 5
# Batches by which crops are drawn ahead, roughly: further ahead, drawing waits for training. More
# than the batches that a CropSource holds back, or each would wait for the other.
_AHEAD = 16


@dataclass(frozen=True)
class MinedSlice:
    """A slice in which false positives were looked for.

    Attributes:
        series_uid: Its scan.
        index: Its z.
        pixels: Numbers of the pixels of false positives, in C order; empty where there are none.
    """

    series_uid: str
    index: int
    pixels: tuple[int, ...]


class MinedPlaces:
    """What each epoch found. One thread adds to it, another asks."""

    def __init__(self, training: Training, state: Mapping[str, Sequence[Any]]) -> None:
        """Starts from what an interrupted run had found.

        Args:
            training: How long epochs are, and how many there are.
            state: What `state` gave; empty for a new run.
        """
        self.delay = 1 + math.ceil(_AHEAD / training.steps_per_epoch)
        self._epochs = training.epochs
        self._found = {
            int(epoch): [MinedSlice(uid, z, tuple(pixels)) for uid, z, pixels in found]
            for epoch, found in state.items()
        }
        self._changed = threading.Condition()
        self._closed = False

    @property
    def state(self) -> dict[str, list[Any]]:
        """What later epochs use, as JSON: lists of slices by the number of the epoch."""
        return {str(epoch): [astuple(one) for one in found] for epoch, found in self._found.items()}

    def wanted(self, epoch: int) -> bool:
        """Whether a later epoch uses what this one finds."""
        return epoch + self.delay < self._epochs

    def add(self, epoch: int, found: Sequence[MinedSlice]) -> None:
        """Adds what was found at the end of an epoch, and forgets what is no longer used."""
        oldest = epoch + 2 - self.delay - _REMEMBERED
        with self._changed:
            self._found = {n: old for n, old in self._found.items() if n >= oldest}
            self._found[epoch] = list(found)
            self._changed.notify_all()

    def of_epoch(self, epoch: int) -> list[MinedSlice]:
        """What an epoch uses; waits until it has been found.

        Returns:
            Slices with false positives, by series and z, as they were when last looked at. None for
            the first epochs, for those after the last, and once this is closed.
        """
        last = epoch - self.delay
        if last < 0 or epoch >= self._epochs:
            return []
        with self._changed:
            self._changed.wait_for(lambda: self._closed or last in self._found)
            newest = {
                (one.series_uid, one.index): one
                for number in range(last - _REMEMBERED + 1, last + 1)
                for one in self._found.get(number, ())
            }
        return [one for _, one in sorted(newest.items()) if one.pixels]

    def close(self) -> None:
        """Lets go whoever waits, since nothing more will be found."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
