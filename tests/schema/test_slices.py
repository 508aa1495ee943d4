"""Slices are read from the file of a scan where its index says that they lie."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schema import features
from schema.slices import read_examples, read_index, read_run, scan_path, stack, unpack_pixels
from tests.made_scans import MadeScan, write_scan

RANDOM = np.random.default_rng(7)


def scan(uid: str, shape: tuple[int, int, int] = (4, 5, 6)) -> MadeScan:
    """Noise, with a nodule in slices 1 and 2; the region is 3 columns wide."""
    region = np.zeros(shape, np.uint8)
    region[:, :, 1:4] = 1
    return MadeScan(
        uid=uid,
        hu=RANDOM.integers(-1024, 3072, shape).astype(np.int16),
        coverage=RANDOM.integers(0, 256, shape).astype(np.uint8),
        nodules=(("n1", 7.0, (1, 2)), ("n2", 20.0, (2,))),
        patient="p",
        region=region,
    )


@pytest.fixture
def made() -> MadeScan:
    return scan("1.1")


@pytest.fixture
def folder(tmp_path: Path, made: MadeScan) -> str:
    return str(write_scan(tmp_path, made).parent)


def index_of(root: Path, *uids: str) -> list[str]:
    return [str(root / "Split-train-index" / f"{uid}.tfrecord.gz") for uid in uids]


def test_the_rows_of_an_index(folder: str, tmp_path: Path) -> None:
    rows = read_index(index_of(tmp_path, "1.1"))
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.nodule_ids for row in rows] == [(), ("n1",), ("n1", "n2"), ()]
    assert [row.buckets for row in rows] == [("none",), ("6-8",), ("15+", "6-8"), ("none",)]
    row = rows[1]
    named = (row.series_uid, row.patient_id, row.source, row.split)
    assert named == ("1.1", "p", "made", "train")
    # 5 rows of 6 pixels of 2 + 1 + 1 bytes, of which 3 columns are in the region.
    assert (row.rows, row.columns, row.region_voxels, row.hu_bytes) == (5, 6, 15, 60)
    assert rows[0].offset == 0 and row.offset == rows[0].size
    assert rows[-1].offset + rows[-1].size == Path(scan_path(folder, "1.1")).stat().st_size


def test_rows_are_ordered_by_series_and_z(tmp_path: Path) -> None:
    for uid in ("1.2", "1.10"):
        write_scan(tmp_path, scan(uid))
    rows = read_index(index_of(tmp_path, "1.2", "1.10"))
    order = [(row.series_uid, row.index) for row in rows]
    assert order == [(uid, z) for uid in ("1.10", "1.2") for z in range(4)]
    assert read_index([]) == []


def test_more_slices_than_a_batch_of_the_reader(tmp_path: Path) -> None:
    write_scan(tmp_path, scan("1.1", (300, 2, 5)))
    assert [row.index for row in read_index(index_of(tmp_path, "1.1"))] == list(range(300))


def test_a_run_of_slices(folder: str, tmp_path: Path, made: MadeScan) -> None:
    run = read_index(index_of(tmp_path, "1.1"))[1:3]
    examples = read_run(folder, run)
    np.testing.assert_array_equal(stack(examples, features.IMAGE_HU), made.hu[1:3])
    np.testing.assert_array_equal(stack(examples, features.NODULE_COVERAGE), made.coverage[1:3])
    np.testing.assert_array_equal(stack(examples, features.REGION_MASK), made.mask[1:3])
    kinds = [stack(examples, name).dtype for name in features.PIXEL_FEATURES]
    assert kinds == [np.int16, np.uint8, np.uint8]


def test_all_slices_of_a_scan(folder: str, made: MadeScan) -> None:
    examples = read_examples(scan_path(folder, "1.1"))
    np.testing.assert_array_equal(stack(examples, features.IMAGE_HU), made.hu)


def test_an_index_of_another_file_is_seen(folder: str, tmp_path: Path) -> None:
    run = read_index(index_of(tmp_path, "1.1"))
    with pytest.raises(ValueError, match="expected a whole record, got .* bytes in .*1.1.tfrecord"):
        read_run(folder, [replace(run[0], offset=1)])
    path = Path(scan_path(folder, "1.1"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"expected \d+ bytes from \d+ on, got \d+ in .*1.1.tfre"):
        read_run(folder, run[2:])


def test_pixels_of_another_size_than_they_say_are_refused(folder: str) -> None:
    (example, *_) = read_examples(scan_path(folder, "1.1"))
    example.features.feature[features.ROWS].int64_list.value[0] = 4
    with pytest.raises(ValueError, match="expected .*packed pixels"):
        unpack_pixels(example, features.IMAGE_HU)


def test_corrupt_pixels_are_refused(folder: str) -> None:
    (example, *_) = read_examples(scan_path(folder, "1.1"))
    example.features.feature[features.REGION_MASK].bytes_list.value[0] = b"corrupt"
    with pytest.raises(ValueError, match="expected packed pixels, got 7 bytes"):
        unpack_pixels(example, features.REGION_MASK)


def test_slices_of_different_sizes_are_no_stack(tmp_path: Path) -> None:
    paths = [write_scan(tmp_path, scan(f"1.{n}", (1, 2, n))) for n in (3, 4)]
    examples = [read_examples(str(path))[0] for path in paths]
    with pytest.raises(ValueError, match="same shape"):
        stack(examples, features.IMAGE_HU)
