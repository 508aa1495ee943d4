"""Unpacked slices in memory, as many as fit; the others are read again each time."""

import threading
from collections.abc import Sequence

from models.crops import Pixels, Slab
from schema import features
from schema.slices import IndexRow, read_run, scan_path, unpack_pixels

_Slice = tuple[Pixels, ...]  # in the order of PIXEL_FEATURES
_Key = tuple[str, int]


class SliceCache:
    """Reads slices of a split. Several threads may read at a time.

    The slices that come first are kept, and none is given up for another: what is drawn often, as
    slices with nodules are, comes early.
    """

    def __init__(self, folder: str, limit_bytes: int) -> None:
        """Starts empty.

        Args:
            folder: Folder of the split's scans.
            limit_bytes: Bytes of pixels to keep at most.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: dict[_Key, _Slice] = {}
        self.kept_bytes = 0  # of pixels in memory
        self.slices_read = 0  # from files, since the start

    def read(self, run: Sequence[IndexRow]) -> Slab:
        """The pixels of neighbouring slices; what is not in memory is read in one piece.

        Args:
            run: Slices of one scan, each the next of the one before.

        Raises:
            ValueError: The file of the scan does not hold them, or they are damaged.
            tf.errors.OpError: The file can't be read.
        """
        found = {_key(row): self._kept.get(_key(row)) for row in run}
        missing = [number for number, row in enumerate(run) if found[_key(row)] is None]
        if missing:
            piece = run[missing[0] : missing[-1] + 1]
            for row, pixels in zip(piece, self._read_file(piece), strict=True):
                found[_key(row)] = pixels
                self._keep(row, pixels)
        slices = [found[_key(row)] or () for row in run]
        hu, coverage, region = zip(*slices, strict=True)
        return Slab(hu, coverage, region)

    def _read_file(self, run: Sequence[IndexRow]) -> list[_Slice]:
        """Unpacks slices from the file of their scan."""
        path = scan_path(self._folder, run[0].series_uid)
        examples = read_run(self._folder, run)
        if len(examples) != len(run):
            raise ValueError(f"expected {len(run)} slices, got {len(examples)} in {path}")
        with self._lock:
            self.slices_read += len(run)
        try:
            return [
                tuple(unpack_pixels(example, name) for name in features.PIXEL_FEATURES)
                for example in examples
            ]
        except ValueError as error:
            raise ValueError(f"{error} in {path}") from error

    def _keep(self, row: IndexRow, pixels: _Slice) -> None:
        """Keeps a slice if there is room."""
        size = sum(part.nbytes for part in pixels)
        with self._lock:
            if _key(row) not in self._kept and self.kept_bytes + size <= self._limit_bytes:
                self._kept[_key(row)] = pixels
                self.kept_bytes += size


def describe(index: Sequence[IndexRow], limit_bytes: int) -> str:
    """How much of a split fits into memory, in one line."""
    total = sum(row.pixel_bytes for row in index)
    scans = len({row.series_uid for row in index})
    share = min(1.0, limit_bytes / max(total, 1))
    return (
        f"{scans} scans, {len(index)} slices, {total / 1e9:.2f} GB of pixels; "
        f"{share:.0%} of them fit into {limit_bytes / 1e9:.2f} GB of memory"
    )


def _key(row: IndexRow) -> _Key:
    return row.series_uid, row.index
