"""The judged rows, read back without slices."""

from dataclasses import replace
from pathlib import Path

import pytest

from lungct.metrics import Overlap
from report.judged import Judged, read_judged
from schema import features
from tests.components.made_run import MadeNodule, MadeScan, write_rows
from tests.report.facts import nodule_row, scan_row

NODULE = MadeNodule("1", (5, 30, 30), 4.2, "3-6")


def test_rows_of_all_splits_without_slices(tmp_path: Path) -> None:
    folders = {}
    for scan in (MadeScan("b", "eval", (NODULE,)), MadeScan("a", "eval"), MadeScan("c", "train")):
        folder = write_rows(tmp_path / scan.split, scan.series_uid, scan.rows())
        folders[scan.split] = folder

    judged = read_judged(folders)

    assert [row.place.series_uid for row in judged.scans] == ["c", "a", "b"]
    assert [row.place.series_uid for row in judged.nodules] == ["b"]
    assert [row.place.split for row in judged.of_split("train").scans] == ["train"]
    assert judged.of_split("test") == Judged((), ())


def test_a_split_of_another_name_comes_last(tmp_path: Path) -> None:
    names = ("another", "eval", "train")
    folders = {name: write_rows(tmp_path / name, "a", MadeScan("a", name).rows()) for name in names}

    assert [row.place.split for row in read_judged(folders).scans] == ["train", "eval", "another"]


def test_tally_counts_nodules_and_scans() -> None:
    hit, missed = nodule_row(Overlap(4, 7, 7), hit=0.75), nodule_row(Overlap(0, 0, 3))
    judged = Judged((hit, missed), (scan_row(marks=(0.5, 0.25)),))

    tally = judged.tally()

    part = tally.part(features.CANDIDATE, "eval")
    assert (part.hits, part.false_positives) == (((0.75,),), ((0.5, 0.25),))


def test_row_without_the_candidate(tmp_path: Path) -> None:
    row = scan_row()
    other = replace(row, figures={"other": row.figures[features.CANDIDATE]})
    folder = write_rows(tmp_path, "a", [other])

    expected = "expected rows with counts of candidate, got counts of other in one of series of p"
    with pytest.raises(ValueError, match=expected):
        read_judged({"eval": folder})
