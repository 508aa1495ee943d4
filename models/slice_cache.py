"""Slices kept in memory as far as there is room; the others are read each time."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.crops import Run
from schema import features
from schema.slices import IndexRow, read_run, unpack_pixels

_Slice = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


class SliceCache:
    """Reads runs of slices and keeps what still fits; what is kept, stays.

    Several threads may use it. Nothing is ever thrown out, so that with more data than memory
    a part is kept and the rest is read, in proportion.

    Attributes:
        slices_read: Slices read from files so far.
    """

    def __init__(self, folder: str, capacity_bytes: int) -> None:
        """Starts empty.

        Args:
            folder: Folder of the scans.
            capacity_bytes: Bytes of unpacked pixels to keep at most.
        """
        self.slices_read = 0
        self._folder = folder
        self._room = capacity_bytes
        self._kept: dict[tuple[str, int], _Slice] = {}
        self._lock = threading.Lock()

    def run(self, rows: Sequence[IndexRow]) -> Run:
        """The pixels of neighbouring slices.

        Args:
            rows: At least one slice, each the next of the one before.

        Returns:
            The slices.

        Raises:
            ValueError: The file does not hold them where the index says.
        """
        found = [self._kept.get((row.series_uid, row.index)) for row in rows]
        missing = [place for place, one in enumerate(found) if one is None]
        if missing:
            first, last = missing[0], missing[-1] + 1
            found[first:last] = self._read(rows[first:last])
        hu, coverage, region = zip(*(one for one in found if one is not None), strict=True)
        return Run(np.stack(hu), np.stack(coverage), np.stack(region))

    def _read(self, rows: Sequence[IndexRow]) -> list[_Slice | None]:
        """Reads slices from their file and keeps those that fit."""
        read: list[_Slice | None] = []
        for row, example in zip(rows, read_run(self._folder, rows), strict=True):
            hu, coverage, region = (unpack_pixels(example, n) for n in features.PIXEL_FEATURES)
            read.append((hu, coverage, region))
            self._keep(row, (hu, coverage, region))
        return read

    def _keep(self, row: IndexRow, pixels: _Slice) -> None:
        key, size = (row.series_uid, row.index), sum(part.nbytes for part in pixels)
        with self._lock:
            self.slices_read += 1
            if size <= self._room and key not in self._kept:
                self._room -= size
                self._kept[key] = pixels
