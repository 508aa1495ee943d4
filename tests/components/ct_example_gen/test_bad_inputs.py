"""Every bad input ends in the pipeline as it does in `lungct.check`, and stops no other scan."""

from pathlib import Path

import pytest

from components.ct_example_gen.conversion import Rules, convert_scan
from components.ct_example_gen.inventory import Request, TruthRule, take_inventory
from components.ct_example_gen.splits import SplitRule
from lungct.grid import GridConfig
from lungct.readers.tables import TableError
from tests.bad_inputs import BAD_INPUTS, QUARANTINED, REFUSED, good_case
from tests.time_limit import at_most

KINDS = {bad.name: bad for bad in BAD_INPUTS}
# That a table is missing is seen here before it is read.
SAYS_HERE = {"table_missing": "the annotation table .*annotations.csv, got no such file"}
GRID = GridConfig((5.0, 4.0, 4.0), slice_size=96, context=1, lung_margin_mm=5.0)


@pytest.mark.parametrize("name", KINDS)
def test_ends_as_it_must(name: str, tmp_path: Path) -> None:
    bad, case = KINDS[name], good_case(tmp_path / "data")
    bad.make(case)
    truth = TruthRule("lidc" if case.outlines.parent.is_dir() else "spheres")
    request = Request([str(case.folder)], SplitRule(eval_fraction=0.5), truth)
    with at_most(10):
        if bad.outcome == REFUSED:
            with pytest.raises(TableError, match=SAYS_HERE.get(name, bad.says)):
                take_inventory(request)
            return
        inventory = take_inventory(request)
        rules = Rules(GRID, truth, inventory.sums)
        made = {
            task.series_uid: convert_scan(task, str(tmp_path / "out"), rules)
            for task in inventory.tasks
        }
    assert sorted(made) == [case.header.stem, case.bystander.stem]
    assert (made[case.bystander.stem]["outcome"]) == "accepted"
    record = made[case.header.stem]
    assert record["outcome"] == bad.outcome, record["reason"]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert (f"{case.header.stem}.tfrecord.gz" in written) == (bad.outcome != QUARANTINED)
    if bad.outcome == QUARANTINED:
        assert str(case.header) in record["reason"] and "\n" not in record["reason"]
    else:
        assert len(record["nodules"]) == bad.nodules
