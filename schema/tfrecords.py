"""The frames of TFRecord files, of which a part can be read where the index says where it lies.

The format is TensorFlow's:
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from collections.abc import Iterator
from typing import Final

import google_crc32c
import tensorflow as tf

# Length and its checksum before a record, its own checksum after it.
_HEAD_BYTES, _TAIL_BYTES = 12, 4
FRAME_BYTES: Final = _HEAD_BYTES + _TAIL_BYTES


def frame(record: bytes) -> tuple[bytes, bytes, bytes]:
    """The bytes of one record in a file.

    Args:
        record: Any bytes.

    Returns:
        Length and its checksum, the record, the checksum of the record.
    """
    length = struct.pack("<Q", len(record))
    return length + _masked_crc(length), record, _masked_crc(record)


def read_records(path: str, offset: int = 0, size: int = -1) -> Iterator[bytes]:
    """Reads records of a file that is not compressed as a whole.

    Args:
        path: The file, local or in a bucket.
        offset: First byte of the first record.
        size: Bytes of the records together, frames included; -1 for all that follow.

    Yields:
        The records in the order of the file.

    Raises:
        ValueError: The part holds no whole records, or one with another checksum.
        tf.errors.OpError: The file can't be read.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        file.seek(offset)
        data = file.read() if size < 0 else file.read(size)
    if size >= 0 and len(data) != size:
        raise ValueError(f"expected {size} bytes from {offset} on, got {len(data)} in {path}")
    start = 0
    while start < len(data):
        yield _record(data, start, f"{path} at {offset + start}")
        start += FRAME_BYTES + _length(data, start)


def _record(data: bytes, start: int, place: str) -> bytes:
    """The record of the frame that starts here."""
    head = data[start : start + 8]
    stop = start + FRAME_BYTES + _length(data, start)
    if stop > len(data) or data[start + 8 : start + _HEAD_BYTES] != _masked_crc(head):
        raise ValueError(f"expected a whole record, got {len(data) - start} bytes in {place}")
    record = data[start + _HEAD_BYTES : stop - _TAIL_BYTES]
    if data[stop - _TAIL_BYTES : stop] != _masked_crc(record):
        raise ValueError(f"expected a record as it was written, got another checksum in {place}")
    return record


def _length(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 8], "little")


def _masked_crc(data: bytes) -> bytes:
    """CRC-32C in 4 bytes, rotated and shifted as the format requires."""
    crc = google_crc32c.value(data)
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    return struct.pack("<I", masked)
