"""The file of a scan and its index, written whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from components.whole_files import packed_rows, whole_file, writing
from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.tfrecords import FRAME_BYTES, frame


class WithRow(Protocol):
    """A record that has a row in an index, such as `SliceExample`."""

    @property
    def record(self) -> bytes:
        """What is written into the file."""

    def row(self, offset: int, size: int) -> bytes:
        """What is written into the index about the record at this place."""


def write_scan(folder: str, index_folder: str, name: str, examples: Iterable[WithRow]) -> int:
    """Writes `NAME.tfrecord` and `NAME.tfrecord.gz`, the same bytes for the same examples.

    Args:
        folder: Folder of the split, local or in a bucket.
        index_folder: Folder of its index.
        name: Name of both files; what is there is replaced.
        examples: The slices in the order of z; each is dropped once it is written.

    Returns:
        How many were written.

    Raises:
        OSError: If a file can't be written; what was there before stays.
    """
    path = os.path.join(folder, name + SCAN_ENDING)
    index_path = os.path.join(index_folder, name + INDEX_ENDING)
    # Left last, the index gets its name when the file has one.
    with (
        writing(f"{path} and its index"),
        whole_file(index_path) as index,
        whole_file(path) as file,
    ):
        rows = list(_write_records(file, examples))
        index.write(packed_rows(rows))
    return len(rows)


def _write_records(file: Any, examples: Iterable[WithRow]) -> Iterator[bytes]:
    """Writes the records into a file; yields their rows."""
    offset = 0
    for example in examples:
        for piece in frame(example.record):
            file.write(piece)
        size = len(example.record) + FRAME_BYTES
        yield example.row(offset, size)
        offset += size
