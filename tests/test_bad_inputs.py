"""Every bad input ends as it must, and never stops the scan beside it."""

import json
import re

import pytest

from lungct.check import main
from tests.bad_inputs import BAD_INPUTS, QUARANTINED, REFUSED, good_case
from tests.time_limit import at_most

KINDS = {bad.name: bad for bad in BAD_INPUTS}


def check(case, capsys):
    """Exit status, the scans by series, and all that was said."""
    arguments = [str(case.folder), "--json"]
    if not case.excluded.exists():  # it is read beside the annotations of the folder alone
        arguments += ["--annotations", str(case.annotations)]
    if case.outlines.parent.is_dir():
        arguments += ["--lidc", str(case.outlines.parent)]
    with at_most(10):
        status = main(arguments)
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    return status, {row["series_uid"]: row for row in rows}, err


def facts_of(row):
    """What must not change when the same scan is stored in another way."""
    (nodule,) = row["nodules"]
    return row["lung_volume_ml"], *nodule["centre_mm"], nodule["volume_mm3"]


def test_every_kind_has_a_name_of_its_own():
    assert len(KINDS) == len(BAD_INPUTS) >= 100


@pytest.mark.parametrize("name", KINDS)
def test_ends_as_it_must(name, tmp_path, capsys):
    bad, case = KINDS[name], good_case(tmp_path / "data")
    bad.make(case)
    status, rows, err = check(case, capsys)
    if bad.outcome == REFUSED:
        assert (status, rows) == (2, {})
        assert re.search(bad.says, err) and err.count("\n") == 1
        return
    assert sorted(rows) == [case.header.stem, case.bystander.stem]
    good, row = rows[case.bystander.stem], rows[case.header.stem]
    assert (good["outcome"], good["reason"]) == ("accepted", "")
    assert row["outcome"] == bad.outcome
    assert re.search(bad.says, row["reason"] + err)
    if bad.outcome == QUARANTINED:
        assert status == 4
        assert str(case.header) in row["reason"] and "\n" not in row["reason"]
    else:
        assert status == 0
        assert len(row["nodules"]) == bad.nodules
    if bad.like_good:
        assert facts_of(row) == pytest.approx(facts_of(good), rel=1e-4)


def test_the_good_case_is_accepted(tmp_path, capsys):
    status, rows, err = check(good_case(tmp_path / "data"), capsys)
    assert (status, err) == (0, "")
    assert [row["outcome"] for row in rows.values()] == ["accepted", "accepted"]
