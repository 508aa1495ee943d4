"""TFRecord files, written whole or not at all."""

import uuid
from collections.abc import Iterable

import tensorflow as tf
from isal import igzip
from tfx.dsl.io import fileio

from schema.tfrecords import frame

_GZIP_ENDING = ".gz"
_LEVEL = 1


def write_records(path: str, records: Iterable[bytes]) -> int:
    """Writes a TFRecord file, the same bytes for the same records.

    Args:
        path: The file, local or in a bucket; replaced where it exists. It is compressed by gzip
            where its name says so.
        records: What to write.

    Returns:
        How many were written.

    Raises:
        OSError: If the file can't be written; what was there before stays.
    """
    try:
        return _write_whole(path, records)
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow puts the path before the reason.
        text = error.message if isinstance(error, tf.errors.OpError) else error.strerror
        reason = (text or str(error)).rpartition("; ")[2]
        raise OSError(f"expected to be able to write, got {reason!r} for {path}") from error


def _write_whole(path: str, records: Iterable[bytes]) -> int:
    """Writes under another name and renames the whole file."""
    folder, _, name = path.rpartition("/")
    fileio.makedirs(folder)
    # Beside the folder, not in it: readers read every file in the folder of a split.
    # Two attempts at one scan, as a cluster makes them, must not write one file.
    partial = f"{folder.rpartition('/')[0]}/.partial-{uuid.uuid4().hex}-{name}"
    with fileio.open(partial, "wb") as file:
        if name.endswith(_GZIP_ENDING):
            with igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as stream:
                count = _write_frames(stream, records)
        else:
            count = _write_frames(file, records)
    fileio.rename(partial, path, overwrite=True)
    return count


def _write_frames(file: object, records: Iterable[bytes]) -> int:
    """Writes the records and counts them."""
    count = 0
    for record in records:
        for piece in frame(record):
            file.write(piece)  # type: ignore[attr-defined]
        count += 1
    return count
