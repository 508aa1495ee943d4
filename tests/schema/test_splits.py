"""Splits are by patient, stable as data grows, and close to the fractions asked for."""

from pathlib import Path
from typing import Any

import pytest

from lungct.readers.tables import TableError
from schema.splits import EVAL_ONLY, PlacedScan, SplitRule, assign_splits, patient_split


def test_growing_data_moves_nobody() -> None:
    first = {f"p{i}": patient_split(f"p{i}", 0.2, 0.1) for i in range(50)}
    again = {f"p{i}": patient_split(f"p{i}", 0.2, 0.1) for i in range(500)}
    assert all(again[patient] == split for patient, split in first.items())


def test_fractions_are_met_on_average() -> None:
    splits = [patient_split(f"p{i}", 0.2, 0.1) for i in range(4000)]
    # Binomial: 800 ± 4 * sqrt(4000 * 0.2 * 0.8) = 800 ± 101; 400 ± 76.
    assert abs(splits.count("eval") - 800) < 101
    assert abs(splits.count("test") - 400) < 76


def test_another_salt_is_another_assignment() -> None:
    patients = [f"p{i}" for i in range(100)]
    assert [patient_split(p, 0.5) for p in patients] != [
        patient_split(p, 0.5, salt="other") for p in patients
    ]


def test_more_evaluation_keeps_the_patients_already_there() -> None:
    patients = [f"p{i}" for i in range(300)]
    small = {p for p in patients if patient_split(p, 0.1) == "eval"}
    large = {p for p in patients if patient_split(p, 0.3) == "eval"}
    assert small < large


@pytest.mark.parametrize("fractions", [(-0.1, 0.0), (0.5, 0.5), (float("nan"), 0.0)])
def test_fractions_that_leave_nothing_to_train_on(fractions: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected fractions >= 0 with a sum below 1, got eval"):
        patient_split("p", *fractions)


def scan(uid: str, patient: str, subset: int = 0) -> PlacedScan:
    return PlacedScan(f"/data/subset{subset}/{uid}.mhd", uid, patient)


def test_by_a_hash_scans_follow_their_patient() -> None:
    scans = [scan(f"1.{i}", f"p{i // 2}") for i in range(40)]
    splits, warnings = assign_splits(scans, SplitRule(eval_fraction=0.4))
    assert warnings == ()
    assert splits == {s.series_uid: patient_split(s.patient_id, 0.4) for s in scans}


def test_each_scan_is_evaluated_on_in_exactly_one_fold() -> None:
    scans = [scan(f"1.{i}", f"p{i}", subset=i % 10) for i in range(30)]
    # A second scan of p3 lies in subset 7: it goes with subset 3, as the first does.
    scans.append(scan("2.3", "p3", subset=7))
    evaluated = []
    for fold in range(10):
        splits, warnings = assign_splits(scans, SplitRule(fold=fold))
        assert set(splits) == {s.series_uid for s in scans}
        assert warnings == ("patient p3 has scans in subsets 3 and 7; all go with subset 3",)
        evaluated += [uid for uid, split in splits.items() if split == "eval"]
        assert splits["2.3"] == splits["1.3"]
    assert sorted(evaluated) == sorted(s.series_uid for s in scans)


@pytest.mark.parametrize("header", ["/data/1.1.mhd", "/data/subset12/1.1.mhd"])
def test_a_fold_needs_subsets(header: str) -> None:
    with pytest.raises(TableError, match=f"subset0 to subset9 for split.fold, got {header}"):
        assign_splits([PlacedScan(header, "1.1", "p")], SplitRule(fold=1))


@pytest.mark.parametrize(
    "content",
    [
        "seriesuid,split\n1.1,train\n1.2,eval\n1.3,eval\n9.9,train\n",
        "patient_id,split\nP,train\nQ,eval\nX,train\n",
        # As a manifest has it: both columns, of which the series counts.
        "patient_id,series_uid,split\nP,1.1,train\nQ,1.2,eval\nQ,1.3,eval\nX,9.9,train\n",
    ],
    ids=["series", "patients", "manifest"],
)
def test_a_table_is_followed(tmp_path: Path, content: str) -> None:
    (tmp_path / "splits.csv").write_text(content)
    scans = [scan("1.1", "P"), scan("1.2", "Q"), scan("1.3", "Q")]
    splits, (report,) = assign_splits(scans, SplitRule(table=str(tmp_path / "splits.csv")))
    assert splits == {"1.1": "train", "1.2": "eval", "1.3": "eval"}
    assert "splits.csv: 1 row is of no scan, such as " in report


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seriesuid,split\n1.1,train\n", "row for every series, got none for 1, such as 1.2, in"),
        ("patient_id,split\nP,eval\n", "row for every patient, got none for 1, such as Q, in"),
        ("seriesuid,split\n1.1,train\n1.2,test\n", r"splits train, eval, got \('1.2', 'test'\)"),
    ],
)
def test_tables_that_cannot_be_followed(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "splits.csv").write_text(content)
    with pytest.raises(TableError, match=message):
        assign_splits(
            [scan("1.1", "P"), scan("1.2", "Q")], SplitRule(table=str(tmp_path / "splits.csv"))
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"eval_fraction": 0.0}, r"0 < eval_fraction .*, got 0.0 \+ 0.0"),
        ({"eval_fraction": 0.6, "test_fraction": 0.4}, r"test_fraction < 1, got 0.6 \+ 0.4"),
        ({"eval_fraction": 1.0, "test_fraction": 0.4}, r"test_fraction < 1, got 1.0 \+ 0.4"),
        ({"eval_fraction": 1.5}, r"test_fraction < 1, got 1.5 \+ 0.0"),
        ({"test_fraction": -0.1}, r"got 0.2 \+ -0.1"),
        ({"eval_fraction": float("nan")}, r"got nan \+ 0.0"),
        ({"fold": 10}, "expected a fold from 0 to 9, got 10"),
        ({"fold": -1}, "expected a fold from 0 to 9, got -1"),
        ({"fold": True}, "expected a fold from 0 to 9, got True"),
        ({"fold": 3, "table": "t.csv"}, "expected fold or table, got both: 3 and t.csv"),
        ({"table_splits": ("train",)}, r"in table_splits, got \('train',\)"),
        ({"table_splits": ("train", "eval", "val")}, r"got \('train', 'eval', 'val'\)"),
    ],
)
def test_rules_that_cannot_be_followed(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SplitRule(**values)


def test_all_patients_can_be_judged_and_none_trained_on() -> None:
    scans = [scan(f"1.{i}", f"p{i}") for i in range(40)]
    assert EVAL_ONLY.names == ("eval",)
    assert assign_splits(scans, EVAL_ONLY) == ({s.series_uid: "eval" for s in scans}, ())


def test_names_of_the_splits_of_a_rule() -> None:
    three = ("train", "eval", "test")
    assert SplitRule().names == SplitRule(fold=3, test_fraction=0.1).names == three[:2]
    assert SplitRule(test_fraction=0.1).names == three
    assert SplitRule(test_fraction=0.1, table="t.csv").names == three[:2]
    # In one order, whatever that of the rule.
    assert SplitRule(table="t.csv", table_splits=("test", "eval", "train")).names == three
