"""Files of records that TensorFlow reads, whole or not there."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from components.ct_example_gen import tfrecords
from components.ct_example_gen.tfrecords import frame, write_records


def read(path: Path) -> list[bytes]:
    records = tf.data.TFRecordDataset(str(path), compression_type="GZIP")
    return [record.numpy() for record in records]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_frame_by_hand() -> None:
    # CRC-32C of "123456789" is 0xE3069283, the check value of the algorithm. Rotated right by 15
    # bits it is 0x2507C60D, and plus 0xA282EAD8 it is 0xC78AB0E5.
    head, record, tail = frame(b"123456789")
    assert (head[:8], record) == (struct.pack("<Q", 9), b"123456789")
    assert tail == struct.pack("<I", 0xC78AB0E5)


def test_tensorflow_reads_what_was_written(tmp_path: Path) -> None:
    # More than one block of the compressor, an empty record, and bytes that don't compress.
    records = [b"", b"a" * 3_000_000, bytes(range(256)) * 100]
    path = tmp_path / "Split-train" / "1.1.tfrecord.gz"
    assert write_records(str(path), iter(records)) == 3
    assert read(path) == records


def test_no_records_make_a_file_without_records(tmp_path: Path) -> None:
    path = tmp_path / "Split-test" / "empty.tfrecord.gz"
    assert write_records(str(path), []) == 0
    assert read(path) == []


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "x.gz", tmp_path / "b" / "x.gz"]
    for path in paths:
        write_records(str(path), [b"one", b"two"])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_nothing_partial_stays(tmp_path: Path) -> None:
    path = tmp_path / "artifact" / "Split-train" / "1.1.tfrecord.gz"
    assert write_records(str(path), [b"a", b"b"]) == 2
    assert write_records(str(path), [b"c"]) == 1
    assert files(tmp_path) == ["1.1.tfrecord.gz"] and read(path) == [b"c"]


def test_what_fails_half_way_is_not_taken_for_whole(tmp_path: Path) -> None:
    def records() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError("the scan went away")

    path = tmp_path / "artifact" / "Split-train" / "1.1.tfrecord.gz"
    with pytest.raises(RuntimeError, match="went away"):
        write_records(str(path), records())
    assert not list(path.parent.iterdir())


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecords.fileio, "open", lambda *_: open("/dev/full", "wb"))
    path = tmp_path / "artifact" / "Split-train" / "1.1.tfrecord.gz"
    with pytest.raises(OSError, match=r"got 'No space left on device' for .*1.1.tfrecord.gz"):
        write_records(str(path), [bytes(3_000_000)] * 3)
    assert not list(path.parent.iterdir())
