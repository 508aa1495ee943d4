"""Data roots become a list of scans with patients, splits and nodules; bad tables stop the run."""

import os
from pathlib import Path

import pytest

from components.ct_example_gen.inventory import Inventory, Request, TruthRule, take_inventory
from components.ct_example_gen.splits import SplitRule
from lungct.readers.tables import TableError
from tests.components.luna16 import NODULE, make_root
from tests.lungct.truth.lidc import xml
from tests.time_limit import at_most

SPLIT = SplitRule(eval_fraction=0.5)


def inventory_of(*roots: str, **wanted: object) -> Inventory:
    return take_inventory(Request(roots, **{"split": SPLIT, **wanted}))


def test_scans_of_a_patient_share_a_split(tmp_path: Path) -> None:
    series = {f"1.{i}": f"patient{i // 2}" for i in range(8)}
    inventory = inventory_of(make_root(tmp_path / "a", series))
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
    inventory = inventory_of(first, second)
    assert len(inventory.tasks) == 2
    assert inventory.notes["phantom_series"] == ["1.2"]


def test_a_series_in_no_table_is_its_own_patient(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "patients.csv").unlink()
    assert inventory_of(root).tasks[0].patient_id == "1.1"


def test_series_in_no_table_of_patients_are_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    assert inventory_of(root).warnings == ()
    (tmp_path / "a" / "patients.csv").write_text("seriesuid,patient_id\n1.1,p\n")
    (report,) = inventory_of(root).warnings
    assert "1 series are in no table of patients" in report and report.endswith("such as 1.2")


def test_annotations_without_a_scan_are_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with open(tmp_path / "a" / "annotations.csv", "a") as table:
        table.write("9.9,0,0,0,5\n")
    (report,) = inventory_of(root).warnings
    assert "annotations of 1 series that are not there, such as 9.9" in report


def test_no_scan_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")
    with pytest.raises(TableError, match="expected scans as ROOT/subset"):
        inventory_of(str(tmp_path))


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "annotations.csv").unlink()
    with pytest.raises(TableError, match=r"annotations\.csv, got no such file"):
        inventory_of(root)


def test_the_same_series_in_two_roots_is_refused(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {"1.1": "p"}) for name in "ab"]
    with pytest.raises(TableError, match=r"1\.1 once"):
        inventory_of(*roots)


def test_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    first, second = make_root(tmp_path / "a", {"1.1": "p"}), make_root(tmp_path / "b", {"1.2": "q"})
    (tmp_path / "b" / "patients.csv").write_text("seriesuid,patient_id\n1.1,other\n1.2,q\n")
    with pytest.raises(TableError, match=r"one patient for series 1\.1, got p and, in .*, other"):
        inventory_of(first, second)
    (tmp_path / "b" / "patients.csv").unlink()
    table = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.1,0,0,0,5\n"
    (tmp_path / "b" / "annotations.csv").write_text(table)
    with pytest.raises(TableError, match=r"one set of annotations for 1\.1"):
        inventory_of(first, second)


def test_reader_outlines_are_found_beside_the_scans_and_where_they_are_named(
    tmp_path: Path,
) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q", "1.3": "r"})
    beside = xml.write(tmp_path / "a" / "lidc", xml.message(series_uid="1.1"), "x.xml")
    deep = xml.write(tmp_path / "more" / "157", xml.message(series_uid="1.2"), "158.xml")
    named = TruthRule("lidc", outlines=(str(tmp_path / "more"),))
    inventory = inventory_of(root, truth=named)
    assert [task.outlines for task in inventory.tasks] == [(beside,), (deep,), ()]
    assert inventory.warnings == (
        "1 of 3 scans have no reader outlines and take spheres, such as 1.3",
    )
    strict = inventory_of(root, truth=TruthRule("lidc", without_outlines="refuse"))
    assert strict.warnings == ("2 of 3 scans have no reader outlines and are refused, such as 1.2",)
    assert all(task.outlines == () for task in inventory_of(root).tasks)


def test_a_pipe_among_the_outlines_is_for_the_scan_to_stumble_over(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "a" / "lidc").mkdir()
    os.mkfifo(tmp_path / "a" / "lidc" / "1.1.xml")
    with at_most(5):
        (task,) = inventory_of(root, truth=TruthRule("lidc")).tasks
    assert task.outlines == (str(tmp_path / "a" / "lidc" / "1.1.xml"),)


def test_a_folder_of_outlines_that_is_not_there(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    with pytest.raises(TableError, match="folder of LIDC XML files, got '/gone'"):
        inventory_of(root, truth=TruthRule("lidc", outlines=("/gone",)))


def test_lists_of_sums_are_found_and_what_they_lack_is_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    folder = str(tmp_path / "a" / "subset0")
    (tmp_path / "a" / "SHA256SUMS").write_text(f"{'0' * 64}  ./subset0/1.1.mhd\n")
    (tmp_path / "a" / "subset0" / "SHA256SUMS").write_text(f"{'1' * 64}  1.9.mhd\n")
    # Elsewhere: its names are relative to the data root.
    named = tmp_path / "lists" / "more"
    named.parent.mkdir()
    named.write_text(f"{'2' * 64}  subset0/1.1.raw\n")
    inventory = inventory_of(root, sums=str(named))
    assert inventory.sums == {
        folder: {"1.1.mhd": "0" * 64, "1.9.mhd": "1" * 64, "1.1.raw": "2" * 64}
    }
    assert inventory.warnings == (
        "lists of sums have 1 scans that are not there, such as 1.9.mhd",
        "1 of 2 scans are in no list of sums, such as 1.2.mhd",
    )


@pytest.mark.parametrize("content", ["", f"{'0' * 64}  elsewhere/1.1.raw\n"])
def test_a_list_of_sums_of_no_scan_is_refused(tmp_path: Path, content: str) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    (tmp_path / "named").write_text(content)
    with pytest.raises(
        TableError, match=r"sums of files in .*a, got none among \d names in .*named"
    ):
        inventory_of(root, sums=str(tmp_path / "named"))
    with pytest.raises(TableError, match=r"list of sums .*gone, got no such file"):
        inventory_of(root, sums=str(tmp_path / "gone"))


def test_files_that_look_like_scans_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    (tmp_path / "a" / "subset0" / "1.2.mhd").unlink()
    (report, *rest) = inventory_of(root).warnings
    assert report.startswith("1 files look like scans") and report.endswith("subset0/1.2.raw")


def test_a_patient_in_two_splits_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "p"})
    table = tmp_path / "splits.csv"
    table.write_text("seriesuid,split\n1.1,train\n1.2,eval\n")
    with pytest.raises(TableError, match=r"patient p, got train in line 2 and eval in line 3 of "):
        inventory_of(root, split=SplitRule(table=str(table)))
