import json
import math

import pytest

from lungct.froc.curve import RATES
from lungct.froc.figures import MarkCounts, as_json, as_text, judge
from lungct.froc.tables import TablePaths, read_challenge
from tests.lungct.froc import challenge


def read(tmp_path, **changed):
    options = challenge.write(tmp_path, **changed)
    given = {n[2:]: p for n, p in zip(options[::2], options[1::2], strict=True)}
    return read_challenge(TablePaths(**given))


def values(found):
    return {name: figure.value for name, figure in found.figures.items()}


def test_the_hand_made_submission(tmp_path):
    found = judge(read(tmp_path))
    assert found.counts == MarkCounts(
        scans=3,
        patients=2,
        nodules=3,
        true_positives=2,
        false_negatives=1,
        false_positives=2,
        marks_on_excluded=1,
        further_hits=1,
        marks_over_limit=0,
        marks_of_other_series=1,
    )
    expected = {
        "lesion_sensitivity": 2 / 3,
        "false_positives_per_scan": 2 / 3,
        **{
            f"sensitivity_at_{rate:g}": sensitivity
            for rate, sensitivity in zip(RATES, challenge.SENSITIVITIES, strict=True)
        },
        "cpm": sum(challenge.SENSITIVITIES) / 7,
    }
    assert values(found) == pytest.approx(expected)
    assert list(values(found)) == list(expected)
    assert all(figure.interval is None for figure in found.figures.values())


def test_intervals_are_by_patient(tmp_path):
    found = judge(read(tmp_path), replicates=400, seed=1)
    # Patient A: 1 of 1 nodule. B: 1 of 2. Drawn twice: 1 or 1/2. A: 1 false positive in 2 scans;
    # B: 1 in 1.
    for name, lower, upper in (
        ("lesion_sensitivity", 0.5, 1.0),
        ("false_positives_per_scan", 0.5, 1.0),
    ):
        interval = found.figures[name].interval
        assert (interval.lower, interval.upper, interval.replicates) == (lower, upper, 400)
    assert found == judge(read(tmp_path), replicates=400, seed=1)


def test_one_patient_has_no_interval(tmp_path):
    one = "seriesuid,patient_id\n1.1,A\n1.2,A\n1.3,A\n"
    found = judge(read(tmp_path, patients=one), replicates=20)
    assert math.isnan(found.figures["cpm"].interval.lower)
    assert "95% interval undefined to undefined" in as_text(found)
    assert json.loads(as_json(found))["figures"]["cpm"]["lower"] is None


def test_text(tmp_path):
    lines = as_text(judge(read(tmp_path))).splitlines()
    assert lines[3].split() == ["true", "positives", "2"]
    assert lines[-1].split() == ["CPM", f"{sum(challenge.SENSITIVITIES) / 7:.4f}"]
    lines = as_text(judge(read(tmp_path), replicates=50)).splitlines()
    assert lines[10].split()[-5:] == ["95%", "interval", "0.5000", "to", "1.0000"]


def test_json(tmp_path):
    found = json.loads(as_json(judge(read(tmp_path))))
    assert found["counts"]["further_hits"] == 1
    assert found["figures"]["sensitivity_at_0.5"] == {"value": pytest.approx(1 / 3)}
    found = json.loads(as_json(judge(read(tmp_path), replicates=50)))
    assert set(found["figures"]["cpm"]) == {"value", "lower", "upper"}


def test_without_nodules_sensitivity_is_undefined(tmp_path):
    header = challenge.TABLES["annotations"].splitlines()[0]
    found = judge(read(tmp_path, annotations=header), replicates=20)
    assert math.isnan(found.figures["cpm"].value)
    assert found.counts.nodules == 0 and found.counts.true_positives == 0
    assert as_text(found).splitlines()[-1].split()[:2] == ["CPM", "undefined"]
    assert json.loads(as_json(found))["figures"]["cpm"]["value"] is None


def test_a_submission_that_marks_every_nodule_of_luna16(tmp_path, real_data):
    tables = real_data / "luna16_tables"
    rows = (tables / "annotations.csv").read_text().splitlines()[1:]
    marks = "".join(f"{row.rpartition(',')[0]},0.5\n" for row in rows)
    path = tmp_path / "submission.csv"
    path.write_text(f"seriesuid,coordX,coordY,coordZ,probability\n{marks}")
    names = {"annotations": "annotations", "excluded": "annotations_excluded"}
    given = {name: str(tables / f"{file}.csv") for name, file in names.items()}
    series = str(tables / "seriesuids.csv")
    found = judge(read_challenge(TablePaths(**given, series=series, submission=str(path))))
    assert found.counts.true_positives == 1186 and found.counts.false_positives == 0
    assert found.figures["cpm"].value == 1.0
