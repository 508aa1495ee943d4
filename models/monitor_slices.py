"""Whole slices to predict, with their neighbours and their truth.

What is read is kept in memory as far as there is room, so that it is read once; the rest is read
again for each measurement.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.split import TrainingSplit
from schema import features
from schema.slices import IndexRow, read_run, stack, unpack_pixels


@dataclass(frozen=True)
class WholeSlice:
    """A slice to predict.

    Attributes:
        hu: int16 (C, H, W), the slice and its neighbours in the order of z.
        truth: bool (H, W).
        judged: bool (H, W), where a prediction counts: in the region of interest, and at nodules
            that reach out of it. What is found elsewhere is no nodule, see
            `serving.segmentation.find_nodules`, and training draws no crop there.
    """

    hu: npt.NDArray[np.int16]
    truth: npt.NDArray[np.bool_]
    judged: npt.NDArray[np.bool_]

    @property
    def size_bytes(self) -> int:
        """Bytes in memory."""
        return self.hu.nbytes + self.truth.nbytes + self.judged.nbytes


class SliceReader:
    """Reads slices of a split."""

    def __init__(self, split: TrainingSplit, keep_bytes: int) -> None:
        """Notes which slices each scan has; nothing is read yet.

        Args:
            split: What is read.
            keep_bytes: Bytes of slices to keep in memory at most.
        """
        self._folder = split.folder
        self._context = split.settings.grid.context
        self._left_bytes = keep_bytes
        self._kept: dict[tuple[str, int], WholeSlice] = {}
        ordered = sorted(split.index, key=_by_place)
        self._scans = {
            uid: list(rows) for uid, rows in itertools.groupby(ordered, lambda row: row.series_uid)
        }

    def read(self, row: IndexRow) -> WholeSlice:
        """Reads one slice, from memory where it was kept.

        Args:
            row: One of the split.

        Returns:
            The slice; beyond the first and the last of the scan these are repeated.

        Raises:
            ValueError: The file of the scan is damaged.
            tf.errors.OpError: It can't be read.
        """
        key = (row.series_uid, row.index)
        if key in self._kept:
            return self._kept[key]
        found = self._read(row)
        if found.size_bytes <= self._left_bytes:
            self._left_bytes -= found.size_bytes
            self._kept[key] = found
        return found

    def _read(self, row: IndexRow) -> WholeSlice:
        scan = self._scans[row.series_uid]
        here = row.index - scan[0].index
        places = np.clip(np.arange(-self._context, self._context + 1) + here, 0, len(scan) - 1)
        examples = read_run(self._folder, scan[places[0] : places[-1] + 1])
        hu = stack(examples, features.IMAGE_HU)[places - places[0]]
        example = examples[here - places[0]]
        truth = unpack_pixels(example, features.NODULE_COVERAGE) >= features.COVERAGE_THRESHOLD
        region = unpack_pixels(example, features.REGION_MASK) > 0
        return WholeSlice(hu, truth, region | truth)


def batches(rows: Sequence[IndexRow], most: int) -> Iterator[list[IndexRow]]:
    """Slices that can be predicted together, since they are of one scan.

    Args:
        rows: Any slices.
        most: Slices in a batch at most.

    Yields:
        At least one slice of one scan, by series and z.
    """
    ordered = sorted(rows, key=_by_place)
    for _, scan in itertools.groupby(ordered, lambda row: row.series_uid):
        slices = list(scan)
        for first in range(0, len(slices), most):
            yield slices[first : first + most]


def padded(hu: npt.NDArray[Any], multiple: int) -> npt.NDArray[Any]:
    """Continues rows and columns, the last two axes, by their edge to a multiple of a size."""
    more = [(0, -size % multiple) for size in hu.shape[-2:]]
    return np.pad(hu, [(0, 0)] * (hu.ndim - 2) + more, mode="edge")


def _by_place(row: IndexRow) -> tuple[str, int]:
    return row.series_uid, row.index
