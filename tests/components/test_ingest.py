"""Data roots become a list of scans with patients, splits and nodules; bad tables stop the run."""

from pathlib import Path

import pytest

from components.ingest import take_inventory
from lungct.tables import TableError
from tests.components.luna16 import NODULE, make_root

SPLIT = {"eval_fraction": 0.5, "test_fraction": 0.0, "salt": ""}


def test_scans_of_a_patient_share_a_split(tmp_path: Path) -> None:
    series = {f"1.{i}": f"patient{i // 2}" for i in range(8)}
    inventory = take_inventory([make_root(tmp_path / "a", series)], SPLIT)
    assert [task.series_uid for task in inventory.tasks] == sorted(series)
    splits = {
        task.patient_id: {t.split for t in inventory.tasks if t.patient_id == task.patient_id}
        for task in inventory.tasks
    }
    assert all(len(found) == 1 for found in splits.values())
    assert set.union(*splits.values()) == {"train", "eval"}
    assert inventory.tasks[0].nodules == (NODULE,)


def test_roots_are_joined_and_phantoms_are_told(tmp_path: Path) -> None:
    first = make_root(tmp_path / "a", {"1.1": "p"})
    second = make_root(tmp_path / "b", {"1.2": "q"})
    (tmp_path / "b" / "PHANTOM.json").write_text("{}")
    inventory = take_inventory([first, second], SPLIT)
    assert len(inventory.tasks) == 2
    assert inventory.notes["phantom_series"] == ["1.2"]


def test_a_series_in_no_table_is_its_own_patient(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "patients.csv").unlink()
    assert take_inventory([root], SPLIT).tasks[0].patient_id == "1.1"


def test_annotations_without_a_scan_are_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with open(tmp_path / "a" / "annotations.csv", "a") as table:
        table.write("9.9,0,0,0,5\n")
    (report,) = take_inventory([root], SPLIT).reports
    assert "annotations of 1 series that are not there, such as 9.9" in report


def test_no_scan_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")
    with pytest.raises(TableError, match="expected scans as ROOT/subset"):
        take_inventory([str(tmp_path)], SPLIT)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "annotations.csv").unlink()
    with pytest.raises(TableError, match=r"annotations\.csv, got no such file"):
        take_inventory([root], SPLIT)


def test_the_same_series_in_two_roots_is_refused(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {"1.1": "p"}) for name in "ab"]
    with pytest.raises(TableError, match=r"1\.1 once"):
        take_inventory(roots, SPLIT)


def test_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    first, second = make_root(tmp_path / "a", {"1.1": "p"}), make_root(tmp_path / "b", {"1.2": "q"})
    (tmp_path / "b" / "patients.csv").write_text("seriesuid,patient_id\n1.1,other\n1.2,q\n")
    with pytest.raises(TableError, match=r"one patient for series 1\.1, got p and, in .*, other"):
        take_inventory([first, second], SPLIT)
    (tmp_path / "b" / "patients.csv").unlink()
    table = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.1,0,0,0,5\n"
    (tmp_path / "b" / "annotations.csv").write_text(table)
    with pytest.raises(TableError, match=r"one set of annotations for 1\.1"):
        take_inventory([first, second], SPLIT)
