"""Every bad input ends in the pipeline as it does in `lungct.check`, and stops no other scan."""

from pathlib import Path

import pytest

from components.ct_example_gen.conversion import ConvertScan
from components.ct_example_gen.request import Request, list_tasks
from lungct.grid import Grid
from lungct.readers.tables import TableError
from lungct.roots import LIDC, SPHERES, DataRoot
from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.hyperparameters import Intensity
from schema.splits import SplitRule
from tests.bad_inputs import BAD_INPUTS, QUARANTINED, REFUSED, good_case
from tests.time_limit import at_most

KINDS = {bad.name: bad for bad in BAD_INPUTS}
GRID = Grid((5.0, 4.0, 4.0), margin_mm=5.0)


@pytest.mark.parametrize("name", KINDS)
def test_ends_as_it_must(name: str, tmp_path: Path) -> None:
    bad, case = KINDS[name], good_case(tmp_path / "data")
    bad.make(case)
    truth = LIDC if case.outlines.parent.is_dir() else SPHERES
    root = DataRoot(str(case.folder), truth=truth)
    request = Request((root,), SplitRule(eval_fraction=0.5), GRID, Intensity())
    out = tmp_path / "out"
    with at_most(10):
        if bad.outcome == REFUSED:
            with pytest.raises(TableError, match=bad.says):
                list_tasks(request)
            return
        tasks, _ = list_tasks(request)
        folders = dict.fromkeys(("train", "eval", "train-index", "eval-index"), str(out))
        worker = ConvertScan(folders, GRID, Intensity(), len(tasks))
        made = {record.series_uid: record for task in tasks for record in worker.process(task)}
    assert sorted(made) == [case.header.stem, case.bystander.stem]
    assert made[case.bystander.stem].outcome == "accepted"
    record = made[case.header.stem]
    assert record.outcome == bad.outcome, record.reason
    written = {path.name for path in out.iterdir()}
    for ending in (SCAN_ENDING, INDEX_ENDING):
        assert (f"{case.header.stem}{ending}" in written) == (bad.outcome != QUARANTINED)
    if bad.outcome == QUARANTINED:
        assert str(case.header) in record.reason and "\n" not in record.reason
    else:
        assert len(record.nodules) == bad.nodules
