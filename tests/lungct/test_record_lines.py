import json
from dataclasses import asdict

from lungct.record import NoduleRecord, ScanRecord
from lungct.record_lines import FIELDS, as_json_line, as_line, total_line

NODULE = NoduleRecord("1", (1.0, 2.0, 3.0), 6.25, 127.8, "6-8")
GOOD = ScanRecord(
    *("1.2", "repaired", "float64 to int16", "P"),
    shape=(44, 60, 80),
    spacing_mm=(5.0, 0.703125, 4.0),
    lung_volume_ml=1234.56,
    nodules=(NODULE, NODULE),
    seconds=1.26,
)
BAD = ScanRecord("1.3", "quarantined", "expected 8 bytes, got 7", "P", seconds=0.04)


def test_a_line_for_people():
    assert as_line(GOOD) == (
        "repaired    1.2  44x60x80 at 5x0.7031x4 mm, lungs 1235 ml, 2 nodules of 6.2, 6.2 mm; "
        "float64 to int16  (1.3 s)"
    )
    assert "lungs 1235 ml, none; float64" in as_line(GOOD, "none")
    assert as_line(BAD) == "quarantined 1.3  expected 8 bytes, got 7  (0.0 s)"


def test_a_line_for_programs():
    row = json.loads(as_json_line(GOOD))
    assert tuple(row) == FIELDS
    assert (row["outcome"], row["shape"]) == ("repaired", [44, 60, 80])
    assert row["nodules"] == json.loads(json.dumps([asdict(NODULE)] * 2))


def test_the_total_sums_up():
    assert total_line({"accepted": 2, "quarantined": 1}) == (
        "3 scans found: 2 accepted, 0 repaired, 1 quarantined"
    )
