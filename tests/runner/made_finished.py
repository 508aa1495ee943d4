"""Output folders of finished runs, made up from `run.json` and judged rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lungct.metrics import Overlap
from schema import features, outputs
from schema.criteria import Comparison, Criterion
from schema.gate import GateRow, Verdict
from schema.judged import Place, Row, SliceRow
from tests.components.made_run import write_rows

CRITERION = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.75)


def slice_row(patient: str, common: int) -> Row:
    """A slice of a patient, of which 10 voxels are true and 10 predicted."""
    place = Place("eval", f"scan of {patient}", patient, "made up", ("8-15",))
    return SliceRow(place, 0, {features.CANDIDATE: Overlap(common, 10, 10)})


def write_finished(folder: Path, rows: Sequence[Row], **changed: Any) -> Path:
    """A run that was judged on rows; values of its record can be others."""
    judged = folder / "artifacts" / "SegmentScans" / "rows" / "8"
    write_rows(judged / "Split-eval", "1.2", rows)
    record = {
        "exit_status": 0,
        "error": None,
        "evaluated_model": None,
        "outputs": {outputs.ROWS: str(judged)},
        "blessed": True,
        "gate": [GateRow(CRITERION, 0.875, Verdict.PASS).to_json()],
        "code_hash": "c0ffee",
        "pushed_path": None,
        "configuration": {
            "output": str(folder),
            "evaluation": {"replicates": 20},
            "training": {"epochs": 3},
        },
        **changed,
    }
    (folder / "run.json").write_text(json.dumps(record))
    return folder
