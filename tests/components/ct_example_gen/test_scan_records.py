"""Records of scans become files that sum up, and that two runs write alike."""

import csv
import json
from pathlib import Path
from typing import Any

from components.ct_example_gen.scan_records import count_outcomes, manifest_text, write_scan_records
from lungct.record import ScanRecord

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
    write_scan_records(records, *(str(folder / name) for name in ("scans", "lost", "manifest")))


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
