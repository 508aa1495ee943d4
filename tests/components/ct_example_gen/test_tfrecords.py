"""The file of a scan and its index: whole, or not there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow as tf

from components import whole_files
from components.ct_example_gen.tfrecords import write_scan
from schema.tfrecords import read_records


@dataclass(frozen=True)
class Made:
    """A record whose row says where it lies."""

    record: bytes

    def row(self, offset: int, size: int) -> bytes:
        return f"{offset}, {size}".encode()


def write(root: Path, examples: object) -> int:
    folders = str(root / "Split-train"), str(root / "Split-train-index")
    return write_scan(*folders, "1.1", examples)  # type: ignore[arg-type]


def rows(root: Path) -> list[bytes]:
    path = str(root / "Split-train-index" / "1.1.tfrecord.gz")
    return [row.numpy() for row in tf.data.TFRecordDataset(path, compression_type="GZIP")]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


BOTH = ["Split-train-index/1.1.tfrecord.gz", "Split-train/1.1.tfrecord"]


def test_tensorflow_reads_what_was_written(tmp_path: Path) -> None:
    records = [b"", b"a" * 3_000_000, bytes(range(256)) * 100]
    assert write(tmp_path, map(Made, records)) == 3
    path = tmp_path / "Split-train" / "1.1.tfrecord"
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == records
    # Frames have 16 bytes beside the record.
    assert rows(tmp_path) == [b"0, 16", b"16, 3000016", b"3000032, 25616"]
    assert list(read_records(str(path), 3_000_032, 25_616)) == records[2:]


def test_no_records_make_files_without_records(tmp_path: Path) -> None:
    assert write(tmp_path, []) == 0
    assert files(tmp_path) == BOTH and rows(tmp_path) == []
    assert (tmp_path / "Split-train" / "1.1.tfrecord").read_bytes() == b""


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, [Made(b"one"), Made(b"two")])
    for path in BOTH:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_what_is_there_is_replaced(tmp_path: Path) -> None:
    assert write(tmp_path, [Made(b"a"), Made(b"b")]) == 2
    assert write(tmp_path, [Made(b"cd")]) == 1
    assert files(tmp_path) == BOTH and rows(tmp_path) == [b"0, 18"]


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def examples() -> Iterator[Made]:
        yield Made(b"first")
        raise RuntimeError("the scan went away")

    with pytest.raises(RuntimeError, match="went away"):
        write(tmp_path, examples())
    assert files(tmp_path) == []


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_files.fileio, "open", lambda *_: open("/dev/full", "wb"))
    message = "got 'No space left on device' for .*/1.1.tfrecord and its index"
    with pytest.raises(OSError, match=message):
        write(tmp_path, [Made(bytes(3_000_000))] * 3)
    assert files(tmp_path) == []


def test_without_the_index_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "Split-train-index").write_text("a file in the place of the folder")
    with pytest.raises(OSError, match="expected to be able to write, got .*Split-train-index"):
        write(tmp_path, [Made(b"a")])
    assert files(tmp_path) == ["Split-train-index"]


def test_the_index_gets_its_name_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(source: str, target: str, overwrite: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.fileio, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, [Made(b"a")])
    assert files(tmp_path) == []
    renamed: list[str] = []
    monkeypatch.setattr(whole_files.fileio, "rename", lambda _, to, overwrite: renamed.append(to))
    write(tmp_path, [Made(b"a")])
    assert [Path(path).name for path in renamed] == ["1.1.tfrecord", "1.1.tfrecord.gz"]
