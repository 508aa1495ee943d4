"""The files of a judged scan, written whole or not at all."""

import gzip
import uuid
from collections.abc import Iterable

import tensorflow as tf
from tfx.dsl.io import fileio

from schema.tfrecords import frame

_LEVEL = 6


def write_rows(path: str, rows: Iterable[bytes]) -> None:
    """Writes a gzip-compressed TFRecord file, the same bytes for the same rows.

    Args:
        path: The file, local or in a bucket; replaced where it exists.
        rows: Serialized tf.Examples, any number.

    Raises:
        OSError: If the file can't be written; what was there before stays.
    """
    content = b"".join(piece for row in rows for piece in frame(row))
    write_whole(path, gzip.compress(content, _LEVEL, mtime=0))


def write_whole(path: str, content: bytes) -> None:
    """Writes under another name and renames the whole file.

    Args:
        path: The file, local or in a bucket; replaced where it exists.
        content: All its bytes.

    Raises:
        OSError: If the file can't be written; what was there before stays.
    """
    folder, _, name = path.rpartition("/")
    # Beside the folder, not in it: readers read every file in the folder of a split.
    # Two attempts at one scan, as a cluster makes them, must not write one file.
    partial = f"{folder.rpartition('/')[0]}/.partial-{uuid.uuid4().hex}-{name}"
    try:
        fileio.makedirs(folder)
        with fileio.open(partial, "wb") as file:
            file.write(content)
        fileio.rename(partial, path, overwrite=True)
    except (OSError, tf.errors.OpError) as error:
        text = error.message if isinstance(error, tf.errors.OpError) else error.strerror
        raise OSError(f"expected to be able to write, got {text!r} for {path}") from error
