"""Records of scans become files that sum up, and that two runs write alike."""

import csv
import json
from pathlib import Path

from components.ct_example_gen.scan_records import count_outcomes, manifest_text, write_scan_records

SUMS = ("header_sha256", "voxels_sha256", "annotations_sha256", "outlines_sha256")


def record(uid: str, outcome: str = "accepted", **facts: object) -> dict[str, object]:
    made = {
        "series_uid": uid,
        "patient_id": f"patient, {uid}",
        "split": "train",
        "outcome": outcome,
        "reason": "" if outcome == "accepted" else f"why {uid}",
        "truth": "spheres",
        "header": f"/data/{uid}.mhd",
        "seconds": 1.5,
    }
    return {**made, **{name: name[:2] + uid for name in SUMS}, **facts}


def write(folder: Path, records: list[dict[str, object]]) -> None:
    write_scan_records(records, *(str(folder / name) for name in ("scans", "lost", "manifest")))


def test_outcomes_sum_to_the_scans_found() -> None:
    scans = [{"outcome": name} for name in ("accepted", "repaired", "quarantined", "accepted")]
    assert count_outcomes(scans) == {"found": 4, "accepted": 2, "repaired": 1, "quarantined": 1}


def test_files_are_ordered_by_series(tmp_path: Path) -> None:
    write(
        tmp_path, [record("b", "quarantined"), record("c", "repaired"), record("a", "quarantined")]
    )
    lines = (tmp_path / "scans" / "scans.jsonl").read_text().splitlines()
    assert [json.loads(line)["series_uid"] for line in lines] == ["a", "b", "c"]
    lost = [
        json.loads(x) for x in (tmp_path / "lost" / "quarantine.jsonl").read_text().splitlines()
    ]
    assert [(row["series_uid"], row["reason"]) for row in lost] == [("a", "why a"), ("b", "why b")]
    assert set(lost[0]) == {"series_uid", "patient_id", "split", "header", "reason"}
    counts = json.loads((tmp_path / "lost" / "counts.json").read_text())
    assert counts == {"found": 3, "accepted": 0, "repaired": 1, "quarantined": 2}


def test_nothing_quarantined_is_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path, [record("a")])
    assert (tmp_path / "lost" / "quarantine.jsonl").read_text() == ""


def test_the_manifest_holds_no_time_and_no_place() -> None:
    (row,) = csv.DictReader(manifest_text([record("a")]).splitlines())
    assert row["patient_id"] == "patient, a" and row["voxels_sha256"] == "voa"
    later = record("a", seconds=9.0, header="/elsewhere/a.mhd")
    assert manifest_text([later]) == manifest_text([record("a")])
    assert manifest_text([record("a", header_sha256="")]) != manifest_text([record("a")])
