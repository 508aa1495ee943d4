"""Records of scans become files that sum up, and that two runs write alike."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

from components.ct_example_gen.scan_records import (
    RecordFolders,
    count_outcomes,
    data_facts,
    manifest_text,
    write_scan_records,
)
from lungct.record import ScanRecord
from schema.model_facts import DataFacts, patient_hash

CHECKSUMS = ("header_sha256", "voxels_sha256", "annotations_sha256", "truth_sha256")


def record(uid: str, outcome: str = "accepted", **facts: Any) -> ScanRecord:
    made: dict[str, Any] = {
        "patient_id": f"patient, {uid}",
        "source": "data",
        "split": "train",
        "reason": "" if outcome == "accepted" else f"why {uid}",
        "truth": "spheres",
        "path": f"/data/{uid}.mhd",
        "seconds": 1.5,
    }
    checksums = {name: name[:2] + uid for name in CHECKSUMS}
    return ScanRecord(uid, outcome, **{**made, **checksums, **facts})


def write(folder: Path, records: list[ScanRecord]) -> None:
    names = ("examples", "scans", "lost", "manifest")
    write_scan_records(records, RecordFolders(*(str(folder / name) for name in names)))


def test_outcomes_sum_to_the_scans_found() -> None:
    outcomes = ("accepted", "repaired", "quarantined", "accepted")
    scans = [record(str(number), outcome) for number, outcome in enumerate(outcomes)]
    assert count_outcomes(scans) == {"found": 4, "accepted": 2, "repaired": 1, "quarantined": 1}


def test_files_are_ordered_by_series(tmp_path: Path) -> None:
    scans = [record("b", "quarantined"), record("c", "repaired"), record("a", "quarantined")]
    write(tmp_path, scans)
    lines = (tmp_path / "scans" / "scans.jsonl").read_text().splitlines()
    assert [ScanRecord.from_json(line) for line in lines] == [scans[2], scans[0], scans[1]]
    lost = [
        json.loads(x) for x in (tmp_path / "lost" / "quarantine.jsonl").read_text().splitlines()
    ]
    assert [(row["series_uid"], row["reason"]) for row in lost] == [("a", "why a"), ("b", "why b")]
    assert set(lost[0]) == {"series_uid", "patient_id", "source", "split", "path", "reason"}
    counts = json.loads((tmp_path / "lost" / "counts.json").read_text())
    assert counts == {"found": 3, "accepted": 0, "repaired": 1, "quarantined": 2}
    assert (tmp_path / "manifest" / "manifest.csv").read_text() == manifest_text(
        [scans[2], scans[0], scans[1]]
    )


def test_nothing_quarantined_is_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path, [record("a")])
    assert (tmp_path / "lost" / "quarantine.jsonl").read_text() == ""


def test_the_manifest_holds_no_time_and_no_place() -> None:
    (row,) = csv.DictReader(manifest_text([record("a")]).splitlines())
    assert row["patient_id"] == "patient, a" and row["voxels_sha256"] == "voa"
    later = record("a", seconds=9.0, path="/elsewhere/a.mhd")
    assert manifest_text([later]) == manifest_text([record("a")])
    assert manifest_text([record("a", header_sha256="")]) != manifest_text([record("a")])


def test_facts_of_the_data_are_those_of_the_scans_that_are_used(tmp_path: Path) -> None:
    scans = [
        record("b", region="volume", truth="label masks", split="eval"),
        record("a", "repaired", region="lung"),
        record("c", region="lung"),
        record("d", "quarantined", region="other", truth=""),
    ]
    write(tmp_path, scans)
    found = DataFacts.from_json((tmp_path / "examples" / "data.json").read_text())
    assert found.truths == ("label masks", "spheres")
    assert found.regions == ("lung", "volume")
    text = "a,patient, a,train\nb,patient, b,eval\nc,patient, c,train\nd,patient, d,train\n"
    assert found.split_sha256 == hashlib.sha256(text.encode()).hexdigest()
    manifest = (tmp_path / "manifest" / "manifest.csv").read_bytes()
    assert found.data_sha256 == hashlib.sha256(manifest).hexdigest()


def test_other_splits_and_other_files_change_the_facts() -> None:
    first = data_facts([record("a")], "manifest")
    assert data_facts([record("a", split="eval")], "manifest").split_sha256 != first.split_sha256
    assert data_facts([record("a")], "other").data_sha256 != first.data_sha256


def test_the_facts_hold_the_patients_of_each_split_hashed() -> None:
    records = [
        record("1", patient_id="a"),
        record("2", patient_id="a"),  # another scan of the same patient
        record("3", "repaired", patient_id="b"),
        record("4", patient_id="c", split="eval"),
        record("5", "quarantined", patient_id="d"),
    ]
    found = data_facts(records, "manifest").patients
    assert found == {
        "eval": (patient_hash("c"),),
        "train": tuple(sorted((patient_hash("a"), patient_hash("b")))),
    }
    assert list(found) == ["eval", "train"]
    assert data_facts([], "manifest").patients == {}


def test_patients_lie_beside_the_examples_without_their_names(tmp_path: Path) -> None:
    write(tmp_path, [record("1", patient_id="Somebody")])
    text = (tmp_path / "examples" / "data.json").read_text()
    assert DataFacts.from_json(text).patients == {"train": (patient_hash("Somebody"),)}
    assert "Somebody" not in text
