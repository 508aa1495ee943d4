"""ConvertScan: one scan in, two files of tf.Examples and one record out."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import apache_beam as beam

from components.ct_example_gen.examples import Features, index_example, slice_example, slice_facts
from components.ct_example_gen.request import ScanTask
from components.ct_example_gen.tfrecords import write_records
from lungct import progress
from lungct.grid import Grid
from lungct.processing import PreparedScan, process, to_slices
from lungct.record import ScanRecord
from lungct.slices import SliceRecord, Slices
from schema.hyperparameters import Intensity
from schema.slices import index_path, scan_path
from schema.tfrecords import FRAME_BYTES

# Slices that are packed at a time, in threads: packing releases Python's lock.
_THREADS = 4


@dataclass(frozen=True)
class MadeSlice:
    """One slice, serialized: with its pixels, and what is said of it without them."""

    example: bytes
    facts: Features


def convert_scan(
    task: ScanTask, grid: Grid, intensity: Intensity
) -> tuple[ScanRecord, Iterator[MadeSlice]]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
        task: The scan, its files anywhere.
        grid: The working grid.
        intensity: The window that sums for normalisation are over.

    Returns:
        Its record, and its slices in the order of z, each made when it is asked for; none of a scan
        that can't be used.
    """
    made: list[Slices] = []

    def finish(prepared: PreparedScan) -> ScanRecord:
        """Cuts the scan into slices and keeps them."""
        record, slices = to_slices(prepared, grid)
        made.append(slices)
        return record

    record = replace(process(task.scan, finish), split=task.split)

    def make(one: SliceRecord) -> MadeSlice:
        """Serializes one slice."""
        facts = slice_facts(one, record, intensity)
        return MadeSlice(slice_example(one, facts), facts)

    return record, (one for slices in made for one in _in_threads(make, slices))


def write_slices(path: str, index: str, slices: Iterator[MadeSlice]) -> None:
    """Writes the file of a scan, and then its index.

    Args:
        path: The file of the scan.
        index: The file of its index.
        slices: Its slices in the order of z.

    Raises:
        OSError: A file can't be written.
    """
    rows: list[bytes] = []

    def examples() -> Iterator[bytes]:
        """The slices with pixels; each leaves its row for the index."""
        offset = 0
        for one in slices:
            size = len(one.example) + FRAME_BYTES
            rows.append(index_example(one.facts, offset, size))
            offset += size
            yield one.example

    write_records(path, examples())
    write_records(index, rows)


class ConvertScan(beam.DoFn):
    """Converts scans into files, and logs how far this process has come."""

    def __init__(
        self, folders: Mapping[str, tuple[str, str]], grid: Grid, intensity: Intensity, total: int
    ) -> None:
        """Keeps what every scan needs.

        Args:
            folders: Folders of the examples and of their index, by split.
            grid: The working grid.
            intensity: The window that sums for normalisation are over.
            total: How many scans there are, for progress.
        """
        self._folders = dict(folders)
        self._grid = grid
        self._intensity = intensity
        self._total = total
        self._done = 0

    def process(self, task: ScanTask) -> Iterator[ScanRecord]:
        """Converts one scan.

        Args:
            task: The scan, its files anywhere.

        Yields:
            Its record.

        Raises:
            OSError: The examples can't be written.
        """
        record, slices = convert_scan(task, self._grid, self._intensity)
        if record.used:
            examples, index = self._folders[task.split]
            uid = record.series_uid
            write_slices(scan_path(examples, uid), index_path(index, uid), slices)
        yield record
        self._done += 1
        progress.advance("scans", self._done, self._total)


def _in_threads(make: Callable[[SliceRecord], MadeSlice], slices: Slices) -> Iterator[MadeSlice]:
    """Makes slices in threads, in order, and only a few ahead of who asks for them."""
    with ThreadPoolExecutor(_THREADS) as pool:
        ahead: deque[Future[MadeSlice]] = deque()
        for one in slices:
            ahead.append(pool.submit(make, one))
            if len(ahead) > 2 * _THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
