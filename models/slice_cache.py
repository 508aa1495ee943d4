"""Slices in memory, as many as fit; the others are read again each time.

Masks stay packed until they are looked at: most slices of a visit are neighbours of others, of
which only Hounsfield units are wanted.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lungct.words import counted
from models.crops import Pixels, Slab
from schema import features
from schema.pixels import unpack
from schema.slices import IndexRow, read_run, scan_path, unpack_pixels

_Key = tuple[str, int]


@dataclass(frozen=True)
class _Slice:
    """A slice in memory, its masks packed."""

    hu: Pixels
    coverage: bytes
    region: bytes


class _Masks(Sequence[Pixels]):
    """Masks of neighbouring slices, each unpacked once, when it is looked at."""

    def __init__(self, packed: Sequence[bytes], shape: tuple[int, ...], path: str) -> None:
        self._packed = packed
        self._shape = shape
        self._path = path
        self._masks: dict[int, Pixels] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, place: Any) -> Any:
        if place not in self._masks:
            try:
                self._masks[place] = unpack(self._packed[place], self._shape, np.uint8)
            except ValueError as error:
                raise ValueError(f"{error} in {self._path}") from error
        return self._masks[place]


class SliceCache:
    """Reads slices of a split. Several threads may read at a time.

    The slices that come first are kept, and none is given up for another: what is drawn often, as
    slices with nodules are, comes early.
    """

    def __init__(self, folder: str, limit_bytes: int) -> None:
        """Starts empty.

        Args:
            folder: Folder of the split's scans.
            limit_bytes: Bytes of Hounsfield units to keep at most; packed masks add little.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: dict[_Key, _Slice] = {}
        self.kept_bytes = 0  # of Hounsfield units in memory
        self.slices_read = 0  # from files, since the start

    def read(self, run: Sequence[IndexRow]) -> Slab:
        """The pixels of neighbouring slices; what is not in memory is read in one piece.

        Args:
            run: Slices of one scan, each the next of the one before.

        Raises:
            ValueError: The file of the scan does not hold them, or they are damaged.
            tf.errors.OpError: The file can't be read.
        """
        found = [self._kept.get(_key(row)) for row in run]
        missing = [place for place, pixels in enumerate(found) if pixels is None]
        if missing:
            piece = slice(missing[0], missing[-1] + 1)
            found[piece] = self._read_file(run[piece])
        slices = [pixels for pixels in found if pixels is not None]
        hu = [pixels.hu for pixels in slices]
        path = scan_path(self._folder, run[0].series_uid)
        coverage, region = (
            _Masks(packed, hu[0].shape, path)
            for packed in zip(*((part.coverage, part.region) for part in slices), strict=True)
        )
        return Slab(hu, coverage, region)

    def _read_file(self, run: Sequence[IndexRow]) -> list[_Slice]:
        """Reads slices from the file of their scan, and keeps those for which there is room."""
        path = scan_path(self._folder, run[0].series_uid)
        examples = read_run(self._folder, run)
        if len(examples) != len(run):
            raise ValueError(f"expected {len(run)} slices, got {len(examples)} in {path}")
        with self._lock:
            self.slices_read += len(run)
        try:
            slices = [
                _Slice(unpack_pixels(example, features.IMAGE_HU), *_packed_masks(example))
                for example in examples
            ]
        except ValueError as error:
            raise ValueError(f"{error} in {path}") from error
        for row, pixels in zip(run, slices, strict=True):
            self._keep(row, pixels)
        return slices

    def _keep(self, row: IndexRow, pixels: _Slice) -> None:
        size = pixels.hu.nbytes
        with self._lock:
            if _key(row) not in self._kept and self.kept_bytes + size <= self._limit_bytes:
                self._kept[_key(row)] = pixels
                self.kept_bytes += size


def _packed_masks(example: Any) -> Iterator[bytes]:
    """Coverage and region of a slice, packed."""
    for name in (features.NODULE_COVERAGE, features.REGION_MASK):
        yield example.features.feature[name].bytes_list.value[0]


def describe(index: Sequence[IndexRow], limit_bytes: int) -> str:
    """How much of a split fits into memory, in one line."""
    total = sum(row.hu_bytes for row in index)
    scans = len({row.series_uid for row in index})
    share = min(1.0, limit_bytes / max(total, 1))
    return (
        f"{counted(scans, 'scan')}, {counted(len(index), 'slice')}, {total / 1e9:.2f} GB of "
        f"pixels; {share:.0%} of them fit into {limit_bytes / 1e9:.2f} GB of memory"
    )


def _key(row: IndexRow) -> _Key:
    return row.series_uid, row.index
