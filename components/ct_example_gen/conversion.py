"""ConvertScan: one scan in, one file of tf.Examples with its index and one record out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import apache_beam as beam

from components.ct_example_gen.examples import SliceExample, slice_example
from components.ct_example_gen.request import ScanTask
from components.ct_example_gen.tfrecords import write_scan
from lungct import progress
from lungct.grid import Grid
from lungct.processing import PreparedScan, process, to_slices
from lungct.record import ScanRecord
from lungct.slices import SliceRecord, Slices
from lungct.threads import in_order
from schema.features import index_split
from schema.hyperparameters import Intensity


def convert_scan(
    task: ScanTask, grid: Grid, intensity: Intensity
) -> tuple[ScanRecord, Iterator[SliceExample]]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
        task: The scan, its files anywhere.
        grid: The working grid.
        intensity: The window of the sums that normalisation is learnt from.

    Returns:
        Its record, and its slices in the order of z, each packed in a thread shortly before it is
        asked for; none of a scan that can't be used.
    """
    made: list[Slices] = []

    def finish(prepared: PreparedScan) -> ScanRecord:
        """Cuts the scan into slices and keeps them."""
        record, slices = to_slices(prepared, grid)
        made.append(slices)
        return record

    record = replace(process(task.scan, finish), split=task.split)

    def example(one: SliceRecord) -> SliceExample:
        """Packs and serializes a slice."""
        return slice_example(one, record, intensity)

    return record, in_order(example, made[0] if made else ())


class ConvertScan(beam.DoFn):
    """Converts scans into files, and logs how far this process has come."""

    def __init__(
        self, folders: Mapping[str, str], grid: Grid, intensity: Intensity, total: int
    ) -> None:
        """Keeps what every scan needs.

        Args:
            folders: Folder by split and by index of a split.
            grid: The working grid.
            intensity: The window of the sums that normalisation is learnt from.
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
        record, examples = convert_scan(task, self._grid, self._intensity)
        if record.used:
            folders = self._folders[task.split], self._folders[index_split(task.split)]
            write_scan(*folders, record.series_uid, examples)
        yield record
        self._done += 1
        progress.advance("scans", self._done, self._total)
