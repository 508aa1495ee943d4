"""What is asked of CtExampleGen travels as JSON, and becomes scans with splits."""

from pathlib import Path

import pytest

from components.ct_example_gen.request import Request, list_tasks
from lungct.grid import Grid
from lungct.readers.tables import TableError
from lungct.roots import DataRoot
from schema.hyperparameters import Intensity
from schema.splits import SplitRule
from tests.lungct.luna16 import NODULE, make_root

GRID = Grid((6.0, 5.0, 4.0), margin_mm=6.0)
WINDOW = Intensity((-1000, 400))
HALF = SplitRule(eval_fraction=0.5)


def request_of(*roots: str, split: SplitRule = HALF) -> Request:
    return Request(tuple(map(DataRoot, roots)), split, GRID, WINDOW)


@pytest.mark.parametrize(
    "request_",
    [
        Request((DataRoot("/a"),), HALF, GRID, WINDOW),
        Request(
            (
                DataRoot(
                    "/a",
                    "a name",
                    layout="luna16",
                    region="volume",
                    truth="lidc",
                    min_readers=3,
                    outlines=("/xml", "/more"),
                    without_outlines="refuse",
                ),
                DataRoot("gs://bucket/b", truth="masks"),
            ),
            SplitRule(fold=3, salt="x", table_splits=("train", "eval", "test")),
            Grid((1.25, 0.7, 0.703125), context=2, margin_mm=0.1),
            Intensity((-1200, 300)),
            "/lists/sums",
        ),
    ],
    ids=["defaults", "everything"],
)
def test_a_request_travels_as_json(request_: Request) -> None:
    assert Request.from_json(request_.to_json()) == request_
    assert Request.from_json(request_.to_json()).to_json() == request_.to_json()


def test_the_data_root_of_a_run_takes_the_place_of_the_compiled_one() -> None:
    compiled = {"request": request_of("/a").to_json(), "code_hash": "b"}
    assert Request.of_run(compiled) == request_of("/a")
    assert Request.of_run({**compiled, "data_root": "gs://b/c"}) == request_of("gs://b/c")
    several = {"request": request_of("/a", "/b").to_json(), "data_root": "gs://b/c"}
    with pytest.raises(ValueError, match="expected one data root for data_root gs://b/c, got 2"):
        Request.of_run(several)


def test_every_value_of_a_request_is_in_its_json() -> None:
    text = request_of("/a").to_json()
    assert text != request_of("/b").to_json()
    assert text != Request((DataRoot("/a", min_readers=3),), HALF, GRID, WINDOW).to_json()
    other = Grid((6.0, 5.0, 4.0), margin_mm=5.0)
    assert text != Request((DataRoot("/a"),), HALF, other, WINDOW).to_json()
    assert text != Request((DataRoot("/a"),), HALF, GRID, Intensity((-1000, 300))).to_json()


def test_scans_of_a_patient_share_a_split(tmp_path: Path) -> None:
    series = {f"1.{i}": f"patient{i // 2}" for i in range(8)}
    tasks, inventory = list_tasks(request_of(make_root(tmp_path / "a", series)))
    assert [task.scan.series_uid for task in tasks] == sorted(series)
    assert tuple(task.scan for task in tasks) == inventory.scans
    splits = {
        patient: {task.split for task in tasks if task.scan.patient_id == patient}
        for patient in series.values()
    }
    assert all(len(found) == 1 for found in splits.values())
    assert set.union(*splits.values()) == {"train", "eval"}
    assert tasks[0].scan.truth.nodules == (NODULE,)


def test_series_in_no_table_of_patients_are_reported(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    assert list_tasks(request_of(root))[1].warnings == ()
    (tmp_path / "a" / "patients.csv").write_text("seriesuid,patient_id\n1.1,p\n")
    tasks, inventory = list_tasks(request_of(root))
    assert inventory.warnings == (
        "1 series is in no table of patients and counts as a patient, such as 1.2",
    )
    assert [task.scan.patient_id for task in tasks] == ["p", "1.2"]


def test_warnings_of_the_splits_come_last(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "q"})
    with open(tmp_path / "a" / "annotations.csv", "a") as table:
        table.write("9.9,0,0,0,5\n")
    splits = tmp_path / "splits.csv"
    splits.write_text("seriesuid,split\n1.1,train\n1.2,eval\n8.8,eval\n")
    _, inventory = list_tasks(request_of(root, split=SplitRule(table=str(splits))))
    first, last = inventory.warnings
    assert "annotations of 1 series that is not there, such as 9.9" in first
    assert last == f"{splits}: 1 row is of no scan, such as 8.8"


def test_a_patient_in_two_splits_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p", "1.2": "p"})
    table = tmp_path / "splits.csv"
    table.write_text("seriesuid,split\n1.1,train\n1.2,eval\n")
    with pytest.raises(TableError, match=r"patient p, got train in line 2 and eval in line 3 of "):
        list_tasks(request_of(root, split=SplitRule(table=str(table))))


def test_a_fold_is_by_the_subset_that_a_scan_lies_in(tmp_path: Path) -> None:
    roots = [
        make_root(tmp_path / str(number), {f"1.{number}": f"p{number}"}, subset=f"subset{number}")
        for number in (2, 7)
    ]
    tasks, _ = list_tasks(request_of(*roots, split=SplitRule(fold=7)))
    assert [(task.scan.series_uid, task.split) for task in tasks] == [
        ("1.2", "train"),
        ("1.7", "eval"),
    ]
