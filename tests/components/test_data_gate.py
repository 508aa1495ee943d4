"""What DataGate refuses, and how it says so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import DataVerdict, ScanRecords
from components.data_gate import (
    DataRefused,
    Executor,
    Finding,
    check_anomalies,
    check_quarantine,
    check_splits,
    findings_table,
)
from lungct.record import NoduleRecord, ScanRecord
from schema.features import index_split

NODULE = NoduleRecord("1", (1.0, 2.0, 3.0), 5.0, 65.4, "3-6")


def scan(patient: str, split: str, nodules: int = 1, outcome: str = "accepted") -> ScanRecord:
    return ScanRecord(
        f"series of {patient}",
        outcome,
        reason="expected 8 bytes, got 7" if outcome == "quarantined" else "",
        patient_id=patient,
        split=split,
        nodules=(NODULE,) * nodules,
        voxels_sha256=f"checksum of {patient}",
    )


GOOD = [scan("a", "train"), scan("b", "eval"), scan("c", "train", nodules=0)]


def test_good_data_passes() -> None:
    assert check_splits(GOOD, ["train", "eval"]) == []
    assert check_quarantine(GOOD, 0.0) == []
    assert check_anomalies({"train": anomalies_pb2.Anomalies()}) == []


def test_the_same_voxels_in_two_splits_are_refused() -> None:
    copied = replace(scan("d", "eval"), voxels_sha256="checksum of a")
    (finding,) = check_splits([*GOOD, copied], ["train", "eval"])
    assert finding.check == "one split per scan"
    assert finding.found.endswith("the same as series of d in eval and series of a in train")
    assert check_splits([*GOOD, replace(copied, split="train")], ["train", "eval"]) == []
    unknown = [replace(scan(split, split), voxels_sha256="") for split in ("train", "eval")]
    assert check_splits([*GOOD, *unknown], ["train", "eval"]) == []


def test_a_patient_in_two_splits_is_refused() -> None:
    other = replace(scan("a", "eval"), voxels_sha256="other")
    assert check_splits([*GOOD, other], ["train", "eval"]) == [
        Finding("one split per patient", "a", "expected one split, got ['eval', 'train']")
    ]


def test_one_patient_cannot_fill_two_splits() -> None:
    texts = [f.found for f in check_splits([scan("a", "eval")], ["train", "eval"])]
    assert texts[0] == "one patient can't fill two splits (train, eval)"
    assert texts[1] == "expected at least one scan, got none"


def test_a_split_without_nodules_is_refused() -> None:
    scans = [scan("a", "train"), scan("b", "eval", nodules=0), scan("c", "eval", nodules=0)]
    (finding,) = check_splits(scans, ["train", "eval"])
    assert finding.found == "expected at least one nodule, got none in 2 scans"
    assert finding.subject == "eval"


def test_quarantined_scans_fill_no_split() -> None:
    scans = [scan("a", "train"), scan("b", "eval", outcome="quarantined")]
    assert check_splits(scans, ["train", "eval"])[0].check == "patients"


def test_too_many_quarantined_scans_are_named() -> None:
    scans = [*GOOD, scan("d", "train", outcome="quarantined")]
    assert check_quarantine(scans, 0.25) == []
    share, named = check_quarantine(scans, 0.24)
    assert share.found == "expected at most 24% of 4 scans, got 1"
    assert (named.subject, named.found) == ("series of d", "expected 8 bytes, got 7")


def test_anomalies_are_listed_by_split_and_feature() -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["spacing_x_mm"].description = "out of range"
    anomalies.dataset_anomaly_info.description = "too few examples"
    subjects = [f.subject for f in check_anomalies({"eval": anomalies})]
    assert subjects == ["eval, all features", "eval, spacing_x_mm"]


def test_the_table_lines_up() -> None:
    table = findings_table([Finding("a", "long subject", "x\n y"), Finding("check b", "s", "z")])
    lines = table.splitlines()
    assert lines[2] == "a        long subject  x y"
    assert lines[3] == "check b  s             z"


def judge(folder: Path, scans: list[ScanRecord], anomalies: anomalies_pb2.Anomalies) -> None:
    """Runs the executor on records and the anomalies of the eval split."""
    given = {"scans": ScanRecords(), "anomalies": standard_artifacts.ExampleAnomalies()}
    verdict = DataVerdict()
    for name, artifact in {**given, "verdict": verdict}.items():
        artifact.uri = str(folder / name)
    splits = ["train", "eval"]
    given["anomalies"].split_names = artifact_utils.encode_split_names(
        [index_split(split) for split in splits]
    )
    for split, found in {"train": anomalies_pb2.Anomalies(), "eval": anomalies}.items():
        path = folder / "anomalies" / f"Split-{split}-index" / "SchemaDiff.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(found.SerializeToString())
    (folder / "scans").mkdir()
    lines = "".join(f"{record.to_json()}\n" for record in scans)
    (folder / "scans" / "scans.jsonl").write_text(lines)
    properties = {"splits": "train,eval", "max_quarantined_fraction": 0.2}
    Executor().Do({key: [one] for key, one in given.items()}, {"verdict": [verdict]}, properties)


def test_the_executor_lets_good_data_through(tmp_path: Path) -> None:
    judge(tmp_path, GOOD, anomalies_pb2.Anomalies())
    verdict = json.loads((tmp_path / "verdict" / "data_gate.json").read_text())
    assert verdict == {"refused": False, "scans": 3, "splits": ["train", "eval"]}


def test_the_executor_refuses_with_all_findings(tmp_path: Path) -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["spacing_x_mm"].description = "out of range"
    scans = [*GOOD, scan("d", "eval", outcome="quarantined")]
    with pytest.raises(DataRefused) as caught:
        judge(tmp_path, scans, anomalies)
    text = str(caught.value)
    assert "eval, spacing_x_mm  out of range" in text
    assert "expected at most 20% of 4 scans, got 1" in text
    assert "series of d         expected 8 bytes, got 7" in text
    assert not (tmp_path / "verdict").exists()
