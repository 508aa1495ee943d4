"""The file of a scan and its index, written whole or not at all."""

import gzip
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import tensorflow as tf
from tfx.dsl.io import fileio

from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.tfrecords import FRAME_BYTES, frame

_LEVEL = 6


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
    try:
        # Left last, the index gets its name when the file has one.
        with _whole(index_path) as index, _whole(path) as file:
            rows = list(_write_records(file, examples))
            content = b"".join(piece for row in rows for piece in frame(row))
            index.write(gzip.compress(content, _LEVEL, mtime=0))
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow puts the path before the reason.
        text = error.message if isinstance(error, tf.errors.OpError) else error.strerror
        reason = (text or str(error)).rpartition("; ")[2]
        raise OSError(
            f"expected to be able to write, got {reason!r} for {path} and its index"
        ) from error
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


@contextmanager
def _whole(path: str) -> Iterator[Any]:
    """A file that gets its name when it is whole, and is removed where it does not become so."""
    folder, _, name = path.rpartition("/")
    # Beside the folder, not in it: readers read every file in the folder of a split.
    # Two attempts at one scan, as a cluster makes them, must not write one file.
    partial = f"{folder.rpartition('/')[0]}/.partial-{uuid.uuid4().hex}-{name}"
    fileio.makedirs(folder)
    try:
        with fileio.open(partial, "wb") as file:
            # TensorFlow makes no file before something is written, be it nothing.
            file.write(b"")
            yield file
        fileio.rename(partial, path, overwrite=True)
    except BaseException:
        with suppress(OSError, tf.errors.OpError):
            fileio.remove(partial)
        raise
