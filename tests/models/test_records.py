from dataclasses import replace
from pathlib import Path

import pytest

from models.dataset import SplitData
from models.records import KEY, SliceReference, find_files, read_index, stream
from schema import features
from tests.models import synthetic


def test_finds_files_sorted_and_refuses_none(tmp_path: Path) -> None:
    for name in ("b.gz", "a.gz"):
        (tmp_path / name).touch()
    assert find_files([f"{tmp_path}/*"]) == [f"{tmp_path}/a.gz", f"{tmp_path}/b.gz"]
    with pytest.raises(ValueError, match="expected files of slices, got none for .*nothing"):
        find_files([f"{tmp_path}/nothing*"])


def test_index_says_who_where_and_whether_a_nodule(split: SplitData) -> None:
    assert len(split.index) == 24  # four patients of six slices
    nodules = sorted(item.key for item in split.index if item.nodule)
    assert nodules[:2] == ["series-patient0/0", "series-patient0/3"]
    assert len(nodules) == 8
    assert {item.patient for item in split.index} == {f"patient{i}" for i in range(4)}


def test_stream_gives_the_named_slices_only(split: SplitData) -> None:
    wanted = [item for item in split.index if item.key == "series-patient1/3"]
    [raw] = list(stream(wanted).as_numpy_iterator())
    expected = synthetic.make_slice("patient1", 3, 4.0)
    assert set(raw) == {KEY, *features.PIXEL_FEATURES}
    assert raw[KEY] == b"series-patient1/3"
    assert raw[features.IMAGE_HU] == expected.hu.tobytes()
    assert raw[features.NODULE_COVERAGE] == expected.coverage.tobytes()


def test_a_slice_counts_by_its_smallest_nodule(tmp_path: Path) -> None:
    item = replace(synthetic.make_slice("p", 0, 4.0), buckets=("15+", "6-8"))
    file = synthetic.write_records(tmp_path / "x.gz", [item])
    assert read_index([file]) == [SliceReference(file, "p", "series-p/0", "6-8")]


def test_index_of_a_file_without_nodules(tmp_path: Path) -> None:
    file = synthetic.write_records(tmp_path / "x.gz", synthetic.make_scan("p", 3, ()))
    assert [item.nodule for item in read_index([file])] == [False] * 3
