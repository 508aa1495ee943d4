"""The judged rows that the report is about: every nodule and every scan of every split."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from lungct.tally import Tally
from schema import features
from schema.files import INDEX_ENDING
from schema.judged import NoduleRow, ScanRow, require_models, tally_rows
from schema.judged_io import NODULE, SCAN, read_rows


@dataclass(frozen=True)
class Judged:
    """What was judged, without slices: TFMA has their figures.

    Attributes:
        nodules: By split and series.
        scans: By split and series.
    """

    nodules: tuple[NoduleRow, ...]
    scans: tuple[ScanRow, ...]

    def of_split(self, split: str) -> "Judged":
        """The rows of one split."""
        return Judged(
            tuple(row for row in self.nodules if row.place.split == split),
            tuple(row for row in self.scans if row.place.split == split),
        )

    def tally(self) -> Tally:
        """What nodules and scans count for the candidate, by patient."""
        return tally_rows((*self.nodules, *self.scans))


def read_judged(folders: Mapping[str, str]) -> Judged:
    """Reads the rows of SegmentScans.

    Args:
        folders: Folder of each split.

    Raises:
        ValueError: A record is no judged row, or one without figures of the candidate.
    """
    paths = [path for folder in _in_order(folders) for path in _files(folder)]
    rows = list(read_rows(paths, (NODULE, SCAN)))
    for row in rows:
        require_models(row, (features.CANDIDATE,))
    return Judged(
        tuple(row for row in rows if isinstance(row, NoduleRow)),
        tuple(row for row in rows if isinstance(row, ScanRow)),
    )


def _in_order(folders: Mapping[str, str]) -> list[str]:
    known = [folders[split] for split in features.SPLITS if split in folders]
    return known + [folders[split] for split in sorted(set(folders) - set(features.SPLITS))]


def _files(folder: str) -> Sequence[str]:
    return sorted(tf.io.gfile.glob(os.path.join(folder, f"*{INDEX_ENDING}")))
