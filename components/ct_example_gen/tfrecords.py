"""TFRecord files, written whole or not at all, compressed in threads beside the work on the scan.

Our own writer is kept while TensorFlow's would add more than a quarter to a scan's time: with GZIP
level 1 a scan takes 3.46 times as long to disk on a grid of 1.25 × 0.7 × 0.7 mm and 1.54 times on
2.5 × 1.5 × 1.5 mm (`python -m benchmarks.kernels`, docs/measured.md).
The format is TensorFlow's:
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
import uuid
from collections.abc import Iterable

import google_crc32c
import tensorflow as tf
from isal import igzip_threaded
from tfx.dsl.io import fileio

_LEVEL, _THREADS = 1, 2


def write_records(path: str, records: Iterable[bytes]) -> int:
    """Writes a gzip-compressed TFRecord file, the same bytes for the same records.

    Args:
        path: The file, local or in a bucket; replaced where it exists.
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


def frame(record: bytes) -> tuple[bytes, bytes, bytes]:
    """The bytes of one record in a file.

    Args:
        record: Any bytes.

    Returns:
        Length and its checksum, the record, the checksum of the record.
    """
    length = struct.pack("<Q", len(record))
    return length + _masked_crc(length), record, _masked_crc(record)


def _write_whole(path: str, records: Iterable[bytes]) -> int:
    """Writes under another name and renames the whole file."""
    folder, _, name = path.rpartition("/")
    fileio.makedirs(folder)
    # Beside the folder, not in it: readers read every file in the folder of a split.
    # Two attempts at one scan, as a cluster makes them, must not write one file.
    partial = f"{folder.rpartition('/')[0]}/.partial-{uuid.uuid4().hex}-{name}"
    count = 0
    with (
        fileio.open(partial, "wb") as file,
        igzip_threaded.open(file, "wb", compresslevel=_LEVEL, threads=_THREADS) as stream,
    ):
        for record in records:
            for piece in frame(record):
                stream.write(piece)
            count += 1
    fileio.rename(partial, path, overwrite=True)
    return count


def _masked_crc(data: bytes) -> bytes:
    """CRC-32C in 4 bytes, rotated and shifted as the format requires."""
    crc = google_crc32c.value(data)
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    return struct.pack("<I", masked)
