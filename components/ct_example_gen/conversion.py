"""ConvertScan: one scan in, one file of tf.Examples and one record out."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

import apache_beam as beam

from components.ct_example_gen.examples import slice_example
from components.ct_example_gen.request import ScanTask
from components.ct_example_gen.tfrecords import write_records
from lungct import progress
from lungct.grid import Grid
from lungct.processing import PreparedScan, process, to_slices
from lungct.record import ScanRecord
from lungct.slices import Slices


def convert_scan(task: ScanTask, grid: Grid) -> tuple[ScanRecord, Iterator[bytes]]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
        task: The scan, its files anywhere.
        grid: The working grid.

    Returns:
        Its record, and its slices as serialized tf.Examples in the order of z, each made when it
        is asked for; none of a scan that can't be used.
    """
    made: list[Slices] = []

    def finish(prepared: PreparedScan) -> ScanRecord:
        """Cuts the scan into slices and keeps them."""
        record, slices = to_slices(prepared, grid)
        made.append(slices)
        return record

    record = replace(process(task.scan, finish), split=task.split)
    return record, (slice_example(one, record) for slices in made for one in slices)


class ConvertScan(beam.DoFn):
    """Converts scans into files, and logs how far this process has come."""

    def __init__(self, folders: Mapping[str, str], grid: Grid, total: int) -> None:
        """Keeps what every scan needs.

        Args:
            folders: Folder of the examples by split.
            grid: The working grid.
            total: How many scans there are, for progress.
        """
        self._folders = dict(folders)
        self._grid = grid
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
        record, examples = convert_scan(task, self._grid)
        if record.used:
            name = f"{record.series_uid}.tfrecord.gz"
            write_records(os.path.join(self._folders[task.split], name), examples)
        yield record
        self._done += 1
        progress.advance("scans", self._done, self._total)
