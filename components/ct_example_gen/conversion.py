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
from lungct.inventory import FoundScan
from lungct.processing import PreparedScan, process, to_slices
from lungct.record import ScanRecord
from lungct.slices import Slices
from lungct.storage import local_copies


def convert_scan(task: ScanTask, grid: Grid) -> tuple[ScanRecord, Iterator[bytes]]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
        task: The scan, files on this machine.
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

    record = replace(process(task.scan, finish)[0], split=task.split)
    return record, (slice_example(one, record) for slices in made for one in slices)


class ConvertScan(beam.DoFn):
    """Converts scans into files, and reports how far this process has come."""

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
        scan = task.scan
        with local_copies([*scan.files.files, *scan.truth.files]) as places:
            local = replace(task, scan=_moved(scan, places))
            record, examples = convert_scan(local, self._grid)
            if record.used:
                name = f"{record.series_uid}.tfrecord.gz"
                write_records(os.path.join(self._folders[task.split], name), examples)
        yield _moved_back(record, scan, local.scan)
        self._done += 1
        progress.report("scans", self._done, self._total)


def _moved(scan: FoundScan, places: Mapping[str, str]) -> FoundScan:
    """The same scan with its files at other places."""
    files, truth = scan.files, scan.truth
    first = files.files[0]
    folder = places[first].rpartition("/")[0]
    moved = replace(
        files,
        path=places.get(files.path, files.path if places[first] == first else folder),
        files=tuple(places[path] for path in files.files),
        label=places.get(files.label, files.label),
    )
    outlines = tuple(places.get(path, path) for path in truth.outlines)
    label = places.get(truth.label, truth.label)
    return replace(scan, files=moved, truth=replace(truth, outlines=outlines, label=label))


def _moved_back(record: ScanRecord, scan: FoundScan, local: FoundScan) -> ScanRecord:
    """The record with the scan's own places, since nobody can look at those of copies."""
    reason = record.reason
    pairs = [(local.files.path, scan.files.path), (local.truth.label, scan.truth.label)]
    pairs += zip(local.files.files, scan.files.files, strict=True)
    pairs += zip(local.truth.outlines, scan.truth.outlines, strict=True)
    for copy, place in pairs:
        if copy and copy != place:
            reason = reason.replace(copy, place)
    return replace(record, reason=reason, path=scan.files.path)
