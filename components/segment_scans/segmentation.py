"""SegmentScan: one scan in; a row of counts for each slice and the candidate's mask out."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components.whole_files import packed_rows, write_whole
from lungct import progress
from lungct.metrics import Mask, slice_overlap
from schema import features
from schema.files import INDEX_ENDING, MASK_ENDING
from schema.masks import mask_bytes
from schema.slices import read_examples, stack
from serving.model import ServedModel, load_model

# What a row takes from its slice.
_KEPT: Final = (
    *(features.SPLIT, features.SERIES_UID, features.PATIENT_ID, features.SOURCE),
    *(features.SIZE_BUCKETS, features.SLICE_INDEX),
)


@dataclass(frozen=True)
class ScanTask:
    """A scan to judge.

    Attributes:
        series_uid: Its name.
        split: Split of its patient.
        path: Its file of slices.
    """

    series_uid: str
    split: str
    path: str


@dataclass(frozen=True)
class Places:
    """Where results are written: folder of the rows by split, folder of the masks."""

    rows: Mapping[str, str]
    predictions: str


def segment_scan(
    examples: Sequence[Any], models: Mapping[str, ServedModel], threshold: float
) -> dict[str, Mask]:
    """Segments one scan.

    Args:
        examples: Its slices as tf.train.Examples in the order of z, at least one.
        models: Models by name.
        threshold: Probability from which a voxel is predicted.

    Returns:
        By model, bool (slices, rows, columns).

    Raises:
        ValueError: A model gives another shape than that of the scan.
    """
    hu = stack(examples, features.IMAGE_HU)
    return {name: _mask(name, model, hu, threshold) for name, model in models.items()}


def slice_rows(examples: Sequence[Any], masks: Mapping[str, Mask]) -> list[bytes]:
    """Counts the voxels of each slice.

    Args:
        examples: The slices of one scan as tf.train.Examples in the order of z.
        masks: What each model predicts by its name, bool (slices, rows, columns).

    Returns:
        One serialized tf.Example a slice, the same bytes for the same counts always.
    """
    truth = stack(examples, features.NODULE_COVERAGE) >= features.COVERAGE_THRESHOLD
    return [
        _row(example, truth[place], {name: mask[place] for name, mask in masks.items()})
        for place, example in enumerate(examples)
    ]


class SegmentScan(beam.DoFn):
    """Judges scans, writes their rows and masks, and logs how far this process has come."""

    def __init__(
        self, models: Mapping[str, str], threshold: float, places: Places, total: int
    ) -> None:
        """Keeps what every scan needs.

        Args:
            models: Folders of SavedModels by name; `features.CANDIDATE` is one of them.
            threshold: Probability from which a voxel is predicted.
            places: Where rows and masks are written.
            total: How many scans there are, for progress.
        """
        self._folders = dict(models)
        self._shared = {name: Shared() for name in models}
        self._threshold = threshold
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
            masks = segment_scan(examples, self._models, self._threshold)
            mask_path = os.path.join(self._places.predictions, task.series_uid + MASK_ENDING)
            write_whole(mask_path, mask_bytes(masks[features.CANDIDATE]))
            rows_path = os.path.join(self._places.rows[task.split], task.series_uid + INDEX_ENDING)
            write_whole(rows_path, packed_rows(slice_rows(examples, masks)))
        self._done += 1
        progress.advance("scans", self._done, self._total)


def _mask(name: str, model: ServedModel, hu: npt.NDArray[np.int16], threshold: float) -> Mask:
    probability = model.segment(hu)
    if probability.shape != hu.shape:
        raise ValueError(
            f"expected probabilities of shape {hu.shape} from {name}, got {probability.shape}"
        )
    return probability >= threshold


def _row(example: Any, truth: Mask, masks: Mapping[str, Mask]) -> bytes:
    """The row of one slice, from its tf.train.Example and masks (rows, columns)."""
    row = tf.train.Example()
    for name in _KEPT:
        row.features.feature[name].CopyFrom(example.features.feature[name])
    counts = {features.TRUTH_VOXELS: int(np.count_nonzero(truth))}
    for model, mask in masks.items():
        overlap = slice_overlap(mask, truth)
        counts[features.predicted_voxels(model)] = int(overlap.predicted)
        counts[features.common_voxels(model)] = int(overlap.intersection)
    for name, count in counts.items():
        row.features.feature[name].int64_list.value.append(count)
    serialized: bytes = row.SerializeToString(deterministic=True)
    return serialized
