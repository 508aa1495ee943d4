import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.slice_cache import SliceCache, describe
from models.split import TrainingSplit
from schema.slices import IndexRow, scan_path
from tests.models import synthetic
from tests.models.rows import scan

SLICE_BYTES = 32 * 40 * 2  # int16 HU


@pytest.fixture
def run(split: TrainingSplit) -> list[IndexRow]:
    """All six slices of the first patient."""
    return list(split.index[:6])


def damaged(path: Path, split: TrainingSplit, run: list[IndexRow], change: int) -> SliceCache:
    """A cache of a folder whose only scan is changed at one byte; -1 leaves out its end."""
    data = bytearray(Path(scan_path(split.folder, run[0].series_uid)).read_bytes())
    if change < 0:
        data = data[:-1]
    else:
        data[change] ^= 1
    Path(scan_path(str(path), run[0].series_uid)).write_bytes(data)
    return SliceCache(str(path), 10**6)


def test_reads_the_pixels_of_a_run(split: TrainingSplit, run: list[IndexRow]) -> None:
    made = synthetic.make_scan("patient0", 6, ((1, 6.0), (4, 4.0)))
    slab = SliceCache(split.folder, 0).read(run[1:4])
    np.testing.assert_array_equal(np.stack(slab.hu), made.hu[1:4])
    np.testing.assert_array_equal(np.stack(slab.coverage), made.coverage[1:4])
    np.testing.assert_array_equal(np.stack(slab.region), made.mask[1:4])
    assert slab.hu[0].dtype == np.int16 and slab.coverage[0].dtype == np.uint8


def test_keeps_what_comes_first_up_to_its_bytes(split: TrainingSplit, run: list[IndexRow]) -> None:
    cache = SliceCache(split.folder, 3 * SLICE_BYTES + SLICE_BYTES // 2)
    cache.read(run[:2])
    assert (cache.slices_read, cache.kept_bytes) == (2, 2 * SLICE_BYTES)
    first = cache.read(run[:2])
    assert cache.slices_read == 2  # all in memory
    cache.read(run[1:5])  # 2, 3 and 4 are missing; 2 is kept, which fills the memory
    assert (cache.slices_read, cache.kept_bytes) == (5, 3 * SLICE_BYTES)
    cache.read(run[:4])  # 3 alone is missing
    assert cache.slices_read == 6
    np.testing.assert_array_equal(first.hu[1], cache.read(run[1:2]).hu[0])


def test_what_lies_between_missing_slices_is_read_along(
    split: TrainingSplit, run: list[IndexRow]
) -> None:
    cache = SliceCache(split.folder, SLICE_BYTES)
    cache.read(run[1:2])
    slab = cache.read(run[:3])
    assert cache.slices_read == 4  # one piece of three
    plain = SliceCache(split.folder, 0).read(run[:3])
    for one, other in zip(slab.hu, plain.hu, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_share_it(split: TrainingSplit) -> None:
    cache = SliceCache(split.folder, 5 * SLICE_BYTES)
    runs = [split.index[n : n + 3] for n in (0, 3, 6, 9, 12, 15, 18, 21)]
    threads = [threading.Thread(target=lambda: [cache.read(run) for run in runs]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.kept_bytes == 5 * SLICE_BYTES


def test_a_damaged_record_is_named(
    tmp_path: Path, split: TrainingSplit, run: list[IndexRow]
) -> None:
    cache = damaged(tmp_path, split, run, run[1].offset + 40)
    cache.read(run[:1])
    with pytest.raises(ValueError, match=r"another checksum in .*series-patient0\.tfrecord at"):
        cache.read(run[1:3])
    cache = damaged(tmp_path, split, run, -1)
    with pytest.raises(ValueError, match=r"expected .* bytes .*series-patient0\.tfrecord"):
        cache.read(run)


def test_records_that_the_index_does_not_know_are_named(
    tmp_path: Path, split: TrainingSplit, run: list[IndexRow]
) -> None:
    with pytest.raises(ValueError, match=r"expected 2 slices, got 6 in .*patient0\.tfrecord"):
        SliceCache(split.folder, 0).read([run[0], run[-1]])
    with pytest.raises(tf.errors.NotFoundError, match=r"series-patient0\.tfrecord"):
        SliceCache(str(tmp_path), 0).read(run)


def test_pixels_of_another_size_are_named(
    monkeypatch: pytest.MonkeyPatch, split: TrainingSplit, run: list[IndexRow]
) -> None:
    def refuse(example: object, name: str) -> None:
        raise ValueError(f"expected 2560 bytes for {name}, got 7")

    monkeypatch.setattr("models.slice_cache.unpack_pixels", refuse)
    with pytest.raises(ValueError, match=r"image_hu, got 7 in .*series-patient0\.tfrecord"):
        SliceCache(split.folder, 0).read(run)


def test_says_what_fits() -> None:
    index = scan("a", 3, rows=1000, columns=500) + scan("b", 1, rows=1000, columns=500)
    # 1 MB a slice
    expected = "2 scans, 4 slices, 0.00 GB of pixels; 25% of them fit into 0.00 GB of memory"
    assert describe(index, 1_000_000) == expected
    assert "; 100% of them" in describe(index, 10**9)
