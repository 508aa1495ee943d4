"""ConvertScan: one scan in, one file of tf.Examples and one record out."""

import dataclasses
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam

from components.examples import slice_example, write_examples
from components.ingest import ScanTask
from components.storage import local_copies
from lungct import progress
from lungct.grid import GridConfig
from lungct.preprocess import process_scan
from lungct.scan import ScanError
from schema import features

OUTCOME_QUARANTINED = "quarantined"


def convert_scan(task: ScanTask, folder: str, grid: GridConfig) -> dict[str, Any]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
      task: The scan.
      folder: Where its file of examples goes.
      grid: The working grid.

    Returns:
      What became of the scan, as plain JSON: see `lungct.preprocess.ScanSummary`; a scan that
      can't be used has the outcome "quarantined" and the reason.
    """
    start = time.monotonic()
    record = {
        "series_uid": task.series_uid,
        "patient_id": task.patient_id,
        "split": task.split,
        "header": task.header,
    }
    try:
        facts = _write(task, folder, grid)
    except ScanError as error:
        facts = {"outcome": OUTCOME_QUARANTINED, "reason": str(error), "nodules": []}
    return {**facts, **record, "seconds": round(time.monotonic() - start, 3)}


class ConvertScan(beam.DoFn):  # type: ignore[misc]
    """Converts scans and reports progress."""

    _lock = threading.Lock()
    _done = 0

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

    def process(self, task: ScanTask) -> Iterator[dict[str, Any]]:
        """Converts one scan.

        Args:
          task: The scan.

        Yields:
          What became of it.
        """
        yield convert_scan(task, self._folders[task.split], self._grid)
