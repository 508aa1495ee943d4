"""ConvertScan: one scan in, one file of tf.Examples and one record out."""

import dataclasses
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from components.examples import slice_example, write_examples
from components.ingest import ScanTask
from components.storage import is_remote, local_copies
from lungct import progress
from lungct.grid import GridConfig
from lungct.preprocess import ScanSummary, process_scan, quarantined
from lungct.scan import ScanError
from schema import features


def convert_scan(task: ScanTask, folder: str, grid: GridConfig) -> dict[str, Any]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
      task: The scan.
      folder: Where its file of examples goes.
      grid: The working grid.

    Returns:
      `lungct.preprocess.ScanSummary` as plain JSON, with `split` and `header`; a scan that can't
      be used has the outcome "quarantined" and the reason.
    """
    start = time.monotonic()
    try:
        with local_copies(_files_of(task.header)) as (header, *_):
            summary, slices = process_scan(header, task.nodules, grid, task.patient_id)
        facts = _facts(summary)
        path = os.path.join(folder, f"{task.series_uid}.tfrecord.gz")
        write_examples(path, (slice_example(record, task, facts) for record in slices))
    except ScanError as error:
        summary = quarantined(task.header, error, task.patient_id)
    seconds = round(time.monotonic() - start, 3)
    record = {**dataclasses.asdict(summary), "seconds": seconds}
    return {**record, "split": task.split, "header": task.header}


def _files_of(header: str) -> list[str]:
    """The header and, where they must be copied, the voxels that may belong to it."""
    if not is_remote(header):
        return [header]
    stem = header.removesuffix(".mhd")
    return [header, *(path for path in (f"{stem}.raw", f"{stem}.zraw") if fileio.exists(path))]


def _facts(summary: ScanSummary) -> dict[str, float]:
    """The numbers about a scan that each of its slices carries, by feature name."""
    names = (
        *(features.SPACING_Z_MM, features.SPACING_Y_MM, features.SPACING_X_MM),
        *(features.HU_P01, features.HU_P50, features.HU_P99),
        features.LUNG_VOLUME_ML,
    )
    values = (*summary.spacing_mm, *summary.hu_percentiles, summary.lung_volume_ml)
    return dict(zip(names, values, strict=True))


class ConvertScan(beam.DoFn):
    """Converts scans, and reports how far this process has come."""

    def __init__(self, folders: Mapping[str, str], grid: GridConfig, total: int) -> None:
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

    def process(self, task: ScanTask) -> Iterator[dict[str, Any]]:
        """Converts one scan.

        Args:
          task: The scan.

        Yields:
          What became of it.
        """
        yield convert_scan(task, self._folders[task.split], self._grid)
        self._done += 1
        progress.report("scans", self._done, self._total)
