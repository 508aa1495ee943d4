"""Files that are written whole or not at all, local or in a bucket."""

import gzip
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import tensorflow as tf
from tfx.dsl.io import fileio

from schema.tfrecords import frame

_LEVEL = 6


@contextmanager
def whole_file(path: str) -> Iterator[Any]:
    """A file that gets its name when it is whole, and is removed where it does not become so.

    Args:
        path: The file; replaced where it exists. Its folder is made.

    Yields:
        The file, opened to write bytes.

    Raises:
        OSError: It can't be written; what was there before stays.
        tf.errors.OpError: The same, as TensorFlow says it.
    """
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


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Makes an OSError that names what was written out of any error of writing."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow puts the path before the reason.
        text = error.message if isinstance(error, tf.errors.OpError) else error.strerror
        reason = (text or str(error)).rpartition("; ")[2]
        raise OSError(f"expected to be able to write, got {reason!r} for {what}") from error


def write_whole(path: str, content: bytes) -> None:
    """Writes a file of which all bytes are there.

    Args:
        path: The file; replaced where it exists.
        content: All its bytes.

    Raises:
        OSError: It can't be written; what was there before stays.
    """
    with writing(path), whole_file(path) as file:
        file.write(content)


def packed_rows(rows: Iterable[bytes]) -> bytes:
    """A gzip-compressed TFRecord file, the same bytes for the same rows.

    Args:
        rows: Serialized tf.Examples without pixels, any number.
    """
    content = b"".join(piece for row in rows for piece in frame(row))
    return gzip.compress(content, _LEVEL, mtime=0)
