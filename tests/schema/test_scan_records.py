"""Records of scans and warnings are read as CtExampleGen wrote them."""

import json
from pathlib import Path

import pytest

from lungct.record import NoduleRecord, ScanRecord
from schema.scan_records import read_scans, read_warnings

NODULE = NoduleRecord("1", (1.0, 2.0, 3.0), 5.0, 65.4, "3-6")
SCANS = (
    ScanRecord("b", "accepted", patient_id="p", split="train", spacing_mm=(3.0, 2.0, 1.0)),
    ScanRecord("a", "repaired", "slope", nodules=(NODULE,), warnings=("3 readers of 4",)),
    ScanRecord("c", "quarantined", "no lung"),
)


def write(folder: Path, lines: list[str], warnings: list[str]) -> str:
    (folder / "scans.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / "warnings.json").write_text(json.dumps({"warnings": warnings}))
    return str(folder)


def test_records_and_warnings_are_read_in_their_order(tmp_path: Path) -> None:
    folder = write(tmp_path, [scan.to_json() for scan in SCANS], ["twice", "lost"])
    assert read_scans(folder) == SCANS
    assert read_warnings(folder) == ("twice", "lost")


def test_nothing_was_found(tmp_path: Path) -> None:
    folder = write(tmp_path, [], [])
    assert read_scans(folder) == read_warnings(folder) == ()


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    folder = write(tmp_path, ["", SCANS[0].to_json(), " "], [])
    assert read_scans(folder) == SCANS[:1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (SCANS[0].to_json().replace("accepted", "lost"), "quarantined, got 'lost' for series b"),
        ("[1]", r"expected the record of a scan, got '\[1\]'"),
        ('{"series_uid": "b"}', "expected the record of a scan, got"),
    ],
)
def test_a_line_that_is_no_record(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_scans(write(tmp_path, [line], []))
