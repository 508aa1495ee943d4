"""SegmentScan: one scan in; rows of counts and the candidate's mask out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.utils.shared import Shared

from components.segment_scans.judging import JudgedScan, judge_scan, unpack_scan
from components.whole_files import packed_rows, write_whole
from lungct import progress
from lungct.record import FindingRecord, NoduleRecord
from schema import features
from schema.files import INDEX_ENDING, MASK_ENDING
from schema.judged_io import row_bytes
from schema.masks import mask_bytes
from schema.slices import read_examples
from serving.model import load_model
from serving.segmentation import Segmentation, segment_volume
from serving.served import ServedModel


@dataclass(frozen=True)
class ScanTask:
    """A scan to judge.

    Attributes:
        series_uid: Its name.
        split: Split of its patient.
        path: Its file of slices.
        nodules: Its annotated nodules.
        excluded: Findings that are neither true nor false.
    """

    series_uid: str
    split: str
    path: str
    nodules: tuple[NoduleRecord, ...] = ()
    excluded: tuple[FindingRecord, ...] = ()


@dataclass(frozen=True)
class Places:
    """Where results are written: folder of the rows by split, folder of the masks."""

    rows: Mapping[str, str]
    predictions: str


def segment_scan(scan: JudgedScan, models: Mapping[str, ServedModel]) -> dict[str, Segmentation]:
    """Segments one scan as whoever is served by a model would have it.

    Args:
        scan: The scan.
        models: Models by name.

    Returns:
        By model.

    Raises:
        ValueError: A model gives another shape than that of the scan.
    """
    return {
        name: segment_volume(model, scan.hu, scan.region, scan.geometry, model.facts.thresholds)
        for name, model in models.items()
    }


class SegmentScan(beam.DoFn):
    """Judges scans, writes their rows and masks, and logs how far this process has come."""

    def __init__(self, models: Mapping[str, str], places: Places, total: int) -> None:
        """Keeps what every scan needs.

        Args:
            models: Folders of SavedModels by name; `features.CANDIDATE` is one of them.
            places: Where rows and masks are written.
            total: How many scans there are, for progress.
        """
        self._folders = dict(models)
        self._shared = {name: Shared() for name in models}
        self._places = places
        self._total = total
        self._done = 0
        self._models: dict[str, ServedModel] = {}

    def setup(self) -> None:
        """Loads the models, once per process however many threads it has."""
        self._models = {
            name: self._shared[name].acquire(partial(load_model, folder), tag=folder)
            for name, folder in self._folders.items()
        }

    def process(self, task: ScanTask) -> None:
        """Judges one scan; its rows come last, as they say that it is done.

        Args:
            task: The scan.

        Raises:
            OSError: A result can't be written.
            ValueError: The file holds no whole slices.
        """
        examples = read_examples(task.path)
        if examples:  # the file of an empty split holds none
            spacing_mm = self._models[features.CANDIDATE].facts.grid.spacing_mm
            self._judge(task, unpack_scan(examples, task.nodules, spacing_mm, task.excluded))
        self._done += 1
        progress.advance("scans", self._done, self._total)

    def _judge(self, task: ScanTask, scan: JudgedScan) -> None:
        found = segment_scan(scan, self._models)
        mask_path = os.path.join(self._places.predictions, task.series_uid + MASK_ENDING)
        write_whole(mask_path, mask_bytes(found[features.CANDIDATE].mask))
        rows_path = os.path.join(self._places.rows[task.split], task.series_uid + INDEX_ENDING)
        write_whole(rows_path, packed_rows(map(row_bytes, judge_scan(scan, found))))
