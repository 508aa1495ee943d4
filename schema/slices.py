"""Reading slices: their pixels from the file of a scan, all else from the index beside it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema import features
from schema.files import SCAN_ENDING
from schema.pixels import unpack
from schema.tfrecords import read_records

_DTYPES = {
    features.IMAGE_HU: np.int16,
    features.NODULE_COVERAGE: np.uint8,
    features.REGION_MASK: np.uint8,
}
_TEXTS = (features.SERIES_UID, features.PATIENT_ID, features.SOURCE, features.SPLIT)
_NUMBERS = (
    *(features.SLICE_INDEX, features.ROWS, features.COLUMNS),
    *(features.INTENSITY_COUNT, features.RECORD_OFFSET, features.RECORD_BYTES),
)
_LISTS = (features.NODULE_IDS, features.SIZE_BUCKETS)
_BATCH = 256


@dataclass(frozen=True)
class IndexRow:
    """One slice in the index.

    Attributes:
        series_uid: Series that it belongs to.
        patient_id: Its patient.
        source: Name of the data root.
        split: Split of the patient.
        index: z on the working grid.
        rows: Pixels along y.
        columns: Pixels along x.
        region_voxels: Pixels in the region of interest.
        offset: First byte of its record in the file of the scan.
        size: Bytes of its record, frame included.
        nodule_ids: Nodules that it cuts.
        buckets: Their size buckets, or BUCKET_NONE.
    """

    series_uid: str
    patient_id: str
    source: str
    split: str
    index: int
    rows: int
    columns: int
    region_voxels: int
    offset: int
    size: int
    nodule_ids: tuple[str, ...]
    buckets: tuple[str, ...]

    @property
    def hu_bytes(self) -> int:
        """Bytes of its Hounsfield units in memory."""
        return self.rows * self.columns * np.dtype(np.int16).itemsize


def scan_path(folder: str, series_uid: str) -> str:
    """The file of a scan in the folder of its split."""
    return os.path.join(folder, series_uid + SCAN_ENDING)


def read_index(paths: Sequence[str]) -> list[IndexRow]:
    """Reads the index of scans.

    Args:
        paths: Its files, one a scan.

    Returns:
        Their slices, ordered by series and z.
    """
    spec: dict[str, Any] = {
        **{name: tf.io.FixedLenFeature([], tf.string) for name in _TEXTS},
        **{name: tf.io.FixedLenFeature([], tf.int64) for name in _NUMBERS},
        **{name: tf.io.RaggedFeature(tf.string) for name in _LISTS},
    }
    records = tf.data.TFRecordDataset(
        list(paths), compression_type="GZIP", num_parallel_reads=tf.data.AUTOTUNE
    )
    batches = records.batch(_BATCH).map(lambda batch: tf.io.parse_example(batch, spec))
    rows = [row for batch in batches for row in _rows(batch)]
    return sorted(rows, key=lambda row: (row.series_uid, row.index))


def read_examples(path: str, offset: int = 0, size: int = -1) -> list[Any]:
    """Reads slices with their pixels.

    Args:
        path: The file of a scan.
        offset: First byte of the first record.
        size: Bytes of the records together; -1 for all that follow.

    Returns:
        tf.train.Examples in the order of z.

    Raises:
        ValueError: The part holds no whole records.
    """
    return [tf.train.Example.FromString(record) for record in read_records(path, offset, size)]


def read_run(folder: str, run: Sequence[IndexRow]) -> list[Any]:
    """Reads neighbouring slices of one scan in one piece.

    Args:
        folder: Folder of the split.
        run: At least one slice, each the next of the one before.

    Returns:
        tf.train.Examples in the order of z.

    Raises:
        ValueError: The file does not hold them where the index says.
    """
    size = run[-1].offset + run[-1].size - run[0].offset
    return read_examples(scan_path(folder, run[0].series_uid), run[0].offset, size)


def stack(examples: Sequence[Any], name: str) -> npt.NDArray[Any]:
    """The pixels of slices of one scan.

    Args:
        examples: At least one tf.train.Example.
        name: One of `schema.features.PIXEL_FEATURES`.

    Returns:
        (slices, rows, columns): int16 HU, or uint8 of a mask.

    Raises:
        ValueError: A slice is of another size than it says, or than the first.
    """
    return np.stack([unpack_pixels(example, name) for example in examples])


def unpack_pixels(example: Any, name: str) -> npt.NDArray[Any]:
    """The pixels of one slice, (rows, columns); raises ValueError where they don't fit its size."""
    feature = example.features.feature
    rows, columns = (feature[key].int64_list.value[0] for key in (features.ROWS, features.COLUMNS))
    shape = int(rows), int(columns)
    return unpack(feature[name].bytes_list.value[0], shape, _DTYPES[name])


def _rows(batch: dict[str, Any]) -> Iterator[IndexRow]:
    """The rows of a parsed batch."""
    texts = [[text.decode() for text in batch[name].numpy()] for name in _TEXTS]
    numbers = [batch[name].numpy().tolist() for name in _NUMBERS]
    lists = [batch[name].to_list() for name in _LISTS]
    for row in zip(*texts, *numbers, *lists, strict=True):
        *plain, nodules, buckets = row
        yield IndexRow(*(*plain, _decoded(nodules), _decoded(buckets)))


def _decoded(values: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(value.decode() for value in values)
