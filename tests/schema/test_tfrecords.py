"""Frames of records, read where the index says where they lie."""

import struct
from pathlib import Path

import pytest
import tensorflow as tf

from schema.tfrecords import FRAME_BYTES, frame, read_records

RECORDS = [b"one", b"", b"three" * 100]
# 3 + 16, 16 and 500 + 16 bytes.
OFFSETS = [0, 19, 35]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "1.1.tfrecord"
    place.write_bytes(b"".join(piece for record in RECORDS for piece in frame(record)))
    return place


def test_frame_by_hand() -> None:
    # CRC-32C of "123456789" is 0xE3069283, the check value of the algorithm. Rotated right by 15
    # bits it is 0x2507C60D, and plus 0xA282EAD8 it is 0xC78AB0E5.
    head, record, tail = frame(b"123456789")
    assert (head[:8], record) == (struct.pack("<Q", 9), b"123456789")
    assert tail == struct.pack("<I", 0xC78AB0E5)
    assert len(head) + len(tail) == FRAME_BYTES


def test_tensorflow_reads_frames_and_its_own_are_read(path: Path) -> None:
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == RECORDS
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    assert list(read_records(str(path))) == RECORDS


@pytest.mark.parametrize(
    ("part", "records"),
    [
        ((0, 19), RECORDS[:1]),
        ((19, 16), RECORDS[1:2]),
        ((0, 35), RECORDS[:2]),
        ((35,), RECORDS[2:]),
        ((551,), []),
        ((19, 0), []),
    ],
)
def test_a_part_is_read(path: Path, part: tuple[int, ...], records: list[bytes]) -> None:
    assert list(read_records(str(path), *part)) == records


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((0, 18), "expected a whole record, got 18 bytes in .*1.1.tfrecord at 0"),
        ((0, 25), "expected a whole record, got 6 bytes in .*1.1.tfrecord at 19"),
        ((35, 600), "expected 600 bytes from 35 on, got 516 in .*1.1.tfrecord"),
        ((1, 40), "expected a whole record, got 40 bytes in .*1.1.tfrecord at 1"),
    ],
)
def test_a_part_that_holds_no_whole_records(
    path: Path, part: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_records(str(path), *part))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (0, "expected a whole record, got 551 bytes in .* at 0"),  # length
        (8, "expected a whole record, got 551 bytes in .* at 0"),  # its checksum
        (13, "expected a record as it was written, got another checksum in .* at 0"),
        (17, "expected a record as it was written, got another checksum in .* at 0"),
        (500, "expected a record as it was written, got another checksum in .* at 35"),
    ],
)
def test_a_flipped_bit_is_seen(path: Path, place: int, message: str) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        list(read_records(str(path)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="gone"):
        list(read_records(str(tmp_path / "gone")))
