"""SegmentScans run on made-up scans of which every count is known."""

from pathlib import Path
from typing import Any

import numpy as np
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Predictions, ScanRecords
from components.segment_scans.executor import Executor
from lungct.record import NoduleRecord, ScanRecord
from schema.model_facts import DataFacts, patient_hash
from tests.made_scans import MadeScan

SPLITS = ["train", "train-index", "eval", "eval-index", "test", "test-index"]
PROPERTIES: dict[str, Any] = {
    "train_patients": 0,
    "code_hash": "c0ffee",
}
BEAM = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]
# World (x, y, z); the grid has 2.5, 2 and 1 mm along (z, y, x).
NODULE = NoduleRecord("1", (1.0, 0.0, 0.0), 5.0, 65.4, "3-6")
TODAY = DataFacts(
    truths=("spheres",),
    regions=("lung",),
    patients={"eval": (patient_hash("somebody"),), "train": (patient_hash("another"),)},
)


def scan(uid: str, split: str, patient: str = "", shape: tuple[int, int] = (3, 4)) -> MadeScan:
    """Two slices: truth in 4 voxels of the first; 0 HU in 3 of these and 1 more, 50 HU in 1."""
    hu = np.full((2, *shape), -800, np.int16)
    hu[0, 0, :2], hu[0, 1, 0], hu[0, 2, 2] = 0, 50, 0
    coverage = np.zeros(hu.shape, np.uint8)
    coverage[0, 0, :3], coverage[0, 1, 0] = 128, 255
    coverage[1] = 127  # just below half: no nodule
    return MadeScan(uid, hu, coverage, (("1", 5.0, (0,)),), patient, split=split)


def artifact(kind: Any, uri: str | Path, number: int = 1) -> Any:
    made = kind()
    made.uri, made.id = str(uri), number
    return made


def write_records(folder: Path) -> None:
    """A record of each scan that there is."""
    folder.joinpath("scans").mkdir()
    uids = sorted(path.stem for path in folder.glob("examples/Split-*/[0-9]*.tfrecord"))
    records = [ScanRecord(uid, "accepted", nodules=(NODULE,)).to_json() for uid in uids]
    (folder / "scans" / "scans.jsonl").write_text("".join(f"{line}\n" for line in records))


def run_segment_scans(
    folder: Path, candidate: str, baseline: str | None = None, **properties: Any
) -> tuple[types.Artifact, Path]:
    """Runs the executor on `folder/examples`; returns the rows and the folder of the masks."""
    for split in SPLITS:
        (folder / "examples" / f"Split-{split}").mkdir(parents=True, exist_ok=True)
    write_records(folder)
    examples = artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(SPLITS)
    rows = artifact(standard_artifacts.Examples, folder / "rows")
    predictions = artifact(Predictions, folder / "predictions")
    baselines = [] if baseline is None else [artifact(standard_artifacts.Model, baseline, 7)]
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=BEAM, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        {
            "examples": [examples],
            "scans": [artifact(ScanRecords, folder / "scans")],
            "model": [artifact(standard_artifacts.Model, candidate, 8)],
            "baseline_model": baselines,
        },
        {"rows": [rows], "predictions": [predictions]},
        {**PROPERTIES, **properties},
    )
    return rows, folder / "predictions"
