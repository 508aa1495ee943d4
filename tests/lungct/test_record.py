"""The record of a scan: the same after a journey as JSON, whatever is known of the scan."""

import json
from dataclasses import replace

import pytest

from lungct.record import (
    ACCEPTED,
    FACTS,
    OUTCOMES,
    QUARANTINED,
    FindingRecord,
    NoduleRecord,
    ScanRecord,
)

NODULE = NoduleRecord("1", (1.5, -2.0, 300.25), 6.5, 143.8, "6-8")
FULL = ScanRecord(
    series_uid="1.2",
    outcome="repaired",
    reason="1024 subtracted",
    patient_id="p",
    source="luna16",
    split="eval",
    path="/data/1.2.mhd",
    phantom=True,
    region="lung",
    truth="spheres",
    shape=(44, 60, 80),
    spacing_mm=(3.0, 2.0, 1.0),
    lung_volume_ml=1960.5,
    hu_percentiles=(-990.0, -800.5, 60.0),
    nodules=(NODULE, replace(NODULE, id="2")),
    excluded=(FindingRecord((1.5, -2.0, 300.25), -1.0), FindingRecord((0.0, 1.0, 2.0), 4.5)),
    slice_count=37,
    seconds=1.25,
    warnings=("3 readers instead of 4",),
    header_sha256="a",
    voxels_sha256="b",
    annotations_sha256="c",
    truth_sha256="d",
)
LOST = ScanRecord("1.3", QUARANTINED, "expected 8 bytes, got 7")


@pytest.mark.parametrize("record", [FULL, LOST, replace(FULL, lung_volume_ml=None)])
def test_a_record_comes_back_from_json(record: ScanRecord) -> None:
    line = record.to_json()
    assert "\n" not in line
    again = ScanRecord.from_json(line)
    assert again == record
    assert again.to_json() == line
    assert hash(again) == hash(record)


def test_what_a_line_leaves_out_is_not_known_and_what_it_adds_is_passed_over() -> None:
    line = '{"series_uid": "1.3", "outcome": "accepted", "colour": "grey"}'
    assert ScanRecord.from_json(line) == ScanRecord("1.3", ACCEPTED)


@pytest.mark.parametrize("line", ["[]", "null", "3", '{"series_uid": "1.3"}', '{"outcome": ""}'])
def test_a_line_that_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected the record of a scan, got '.*'"):
        ScanRecord.from_json(line)


def test_a_line_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        ScanRecord.from_json(FULL.to_json()[:-1])


@pytest.mark.parametrize("part", [{}, {"id": "1", "colour": "grey"}, "1"])
@pytest.mark.parametrize("name", ["nodules", "excluded"])
def test_a_nodule_or_finding_that_is_none_is_refused(name: str, part: object) -> None:
    content = {**json.loads(LOST.to_json()), name: [part]}
    with pytest.raises(ValueError, match=rf"expected {name} of 1.3, got \["):
        ScanRecord.from_json(json.dumps(content))


def test_an_unknown_outcome_is_refused() -> None:
    expected = "an outcome accepted, repaired, quarantined, got 'lost' for series 1.3"
    with pytest.raises(ValueError, match=expected):
        ScanRecord("1.3", "lost")


def test_all_but_the_quarantined_are_used() -> None:
    assert [ScanRecord("1", outcome).used for outcome in OUTCOMES] == [True, True, False]


def test_facts_are_named_by_axis_and_percentile() -> None:
    # Spacing (z, y, x) is (3, 2, 1).
    assert FULL.facts() == {
        **{"spacing_z_mm": 3.0, "spacing_y_mm": 2.0, "spacing_x_mm": 1.0},
        **{"hu_p01": -990.0, "hu_p50": -800.5, "hu_p99": 60.0},
        "lung_volume_ml": 1960.5,
    }
    assert tuple(FULL.facts()) == FACTS


def test_facts_that_are_not_known_are_left_out() -> None:
    assert "lung_volume_ml" not in replace(FULL, lung_volume_ml=None).facts()
    assert LOST.facts() == {}
