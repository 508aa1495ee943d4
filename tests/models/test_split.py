from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.split import TrainingSplit, cuts_nodule, read_split, smallest_bucket
from schema.custom_config import parse
from tests.made_scans import write_scan
from tests.models import synthetic

SETTINGS = parse(synthetic.CONFIG)


def test_reads_the_folder_of_scans_and_their_index(split: TrainingSplit, examples: str) -> None:
    assert split.folder == f"{examples}/Split-train"
    assert len(split.index) == 24  # four patients of six slices
    places = [(row.series_uid, row.index) for row in split.index]
    assert places == [(f"series-patient{n}", z) for n in range(4) for z in range(6)]
    assert {row.patient_id for row in split.index} == {f"patient{n}" for n in range(4)}


def test_the_order_of_the_patterns_does_not_matter(split: TrainingSplit, examples: str) -> None:
    patterns = synthetic.train_patterns(examples)[::-1]
    assert read_split(patterns, None, SETTINGS).folder == split.folder


def test_refuses_patterns_without_index_and_of_two_splits() -> None:
    for names in (["train"], ["train-index"], ["train", "train-index", "eval", "eval-index"], []):
        with pytest.raises(ValueError, match=r"patterns of a split and its index, got \["):
            read_split([f"/data/Split-{name}/*" for name in names], None, SETTINGS)


def test_refuses_a_split_without_slices(tmp_path: Path) -> None:
    patterns = synthetic.train_patterns(str(tmp_path))
    with pytest.raises(ValueError, match=r"index of slices, got 0 files in .*/Split-train-index"):
        read_split(patterns, None, SETTINGS)
    scan = synthetic.make_scan("a", 6)
    write_scan(tmp_path, replace(scan, hu=scan.hu[:0], coverage=scan.coverage[:0]))
    with pytest.raises(ValueError, match="index of slices, got 1 files"):
        read_split(patterns, None, SETTINGS)


def test_a_slice_counts_by_its_smallest_nodule(split: TrainingSplit) -> None:
    row: Any = split.index[0]
    several = replace(row, buckets=("15+", "6-8"))
    none = replace(row, buckets=("none",))
    assert cuts_nodule(several) and smallest_bucket(several) == "6-8"
    assert not cuts_nodule(none) and smallest_bucket(none) == "none"
