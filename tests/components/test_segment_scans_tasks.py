"""Which scans SegmentScans judges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.segment_scans.scans import choose_patients, list_tasks
from lungct.record import FindingRecord, NoduleRecord, ScanRecord
from tests.made_scans import MadeScan, write_scan


def scan(uid: str, split: str, patient: str) -> MadeScan:
    hu = np.zeros((1, 2, 3), np.int16)
    return MadeScan(uid, hu, hu.astype(np.uint8), patient=patient, split=split)


def record(uid: str, *nodules: str) -> ScanRecord:
    made = tuple(NoduleRecord(name, (1.0, 2.0, 3.0), 5.0, 65.4, "3-6") for name in nodules)
    return ScanRecord(uid, "accepted", nodules=made)


def test_so_many_patients_of_the_train_split(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    for number in range(8):  # two scans of each of four patients
        write_scan(examples, scan(f"1.{number}", "train", f"patient {number % 4}"))
    write_scan(examples, scan("2.1", "eval", "another"))
    folders = {
        split: str(examples / f"Split-{split}")
        for split in ["train", "train-index", "eval", "eval-index"]
    }

    records = [record(f"1.{number}") for number in range(8)] + [record("2.1")]

    tasks = list_tasks(folders, records, 2)

    chosen = choose_patients([f"patient {number}" for number in range(4)], 2)
    expected = [f"1.{n}" for n in range(8) if f"patient {n % 4}" in chosen]
    assert len(expected) == 4
    assert [task.series_uid for task in tasks] == [*expected, "2.1"]
    assert len(list_tasks(folders, records, 0)) == len(list_tasks(folders, records, 99)) == 9


def test_patients_are_chosen_by_themselves() -> None:
    names = [f"p{number}" for number in range(20)]
    chosen = choose_patients(names, 5)
    assert len(chosen) == 5
    assert choose_patients(reversed(names * 2), 5) == chosen
    assert len(choose_patients([*names, "new"], 5) & chosen) >= 4


def test_each_scan_comes_with_its_nodules_and_excluded_findings(tmp_path: Path) -> None:
    paths = [write_scan(tmp_path, scan(uid, "eval", "p")) for uid in ("2", "1")]
    findings = (FindingRecord((1.0, 2.0, 3.0), -1.0),)
    records = [record("1"), replace(record("2", "a", "b"), excluded=findings), record("3", "c")]
    folders = {"eval": str(tmp_path / "Split-eval")}

    first, second = list_tasks(folders, records, 0)

    assert (first.series_uid, first.split, first.path) == ("1", "eval", str(paths[1]))
    assert first.nodules == first.excluded == ()
    assert (second.series_uid, second.nodules) == ("2", records[1].nodules)
    assert second.excluded == findings


def test_a_scan_needs_a_record_and_the_file_of_an_empty_split_none(tmp_path: Path) -> None:
    folder = tmp_path / "Split-eval"
    folder.mkdir()
    (folder / "empty.tfrecord").touch()
    assert [task.nodules for task in list_tasks({"eval": str(folder)}, [], 0)] == [()]
    path = write_scan(tmp_path, scan("1", "eval", "p"))
    with pytest.raises(ValueError, match=f"a record of the scan of {path}, got 1 others"):
        list_tasks({"eval": str(folder)}, [record("2")], 0)
