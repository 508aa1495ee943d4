"""Which scans SegmentScans judges."""

from pathlib import Path

import numpy as np

from components.segment_scans.scans import choose_patients, list_tasks
from tests.made_scans import MadeScan, write_scan


def scan(uid: str, split: str, patient: str) -> MadeScan:
    hu = np.zeros((1, 2, 3), np.int16)
    return MadeScan(uid, hu, hu.astype(np.uint8), patient=patient, split=split)


def test_so_many_patients_of_the_train_split(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    for number in range(8):  # two scans of each of four patients
        write_scan(examples, scan(f"1.{number}", "train", f"patient {number % 4}"))
    write_scan(examples, scan("2.1", "eval", "another"))
    folders = {
        split: str(examples / f"Split-{split}")
        for split in ["train", "train-index", "eval", "eval-index"]
    }

    tasks = list_tasks(folders, 2)

    chosen = choose_patients([f"patient {number}" for number in range(4)], 2)
    expected = [f"1.{n}" for n in range(8) if f"patient {n % 4}" in chosen]
    assert len(expected) == 4
    assert [task.series_uid for task in tasks] == [*expected, "2.1"]
    assert len(list_tasks(folders, 0)) == len(list_tasks(folders, 99)) == 9


def test_patients_are_chosen_by_themselves() -> None:
    names = [f"p{number}" for number in range(20)]
    chosen = choose_patients(names, 5)
    assert len(chosen) == 5
    assert choose_patients(reversed(names * 2), 5) == chosen
    assert len(choose_patients([*names, "new"], 5) & chosen) >= 4
