"""Time and memory of the Evaluator on judged rows, as SegmentScans writes them.

Usage: python -m benchmarks.evaluator_rows [--rows 1000 10000 100000] [--replicates 1000]

The rows are made up: scans of 110 slices with 2 nodules and 5 false positives each, half of the
patients in the train split, two models. TFX's Evaluator reads their files in this machine's
configuration of Beam, with the gate of configs/luna16.yaml; each number of rows in a process of its
own, since memory that Python once took is not given back. Its peak is what the process holds at
most, and beside it what it holds before the first row: the libraries.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import memory_bytes, processor, reset_peak_memory, whole_number

_SLICES: Final = 110
_NODULES: Final = 2
_FALSE_POSITIVES: Final = 5
_ROWS_OF_SCAN: Final = _SLICES + _NODULES + 1


def scan_rows(number: int) -> list[bytes]:
    """The rows of one made-up scan of a patient of its own, as they are in its file."""
    from lungct.metrics import Overlap
    from schema import features
    from schema.judged import (
        Calibration,
        FalsePositive,
        NoduleFigures,
        NoduleRow,
        Place,
        Row,
        ScanFigures,
        ScanRow,
        SliceRow,
    )
    from schema.judged_io import row_bytes

    draw = random.Random(number)
    models = (features.CANDIDATE, features.BASELINE)
    split = (features.SPLIT_TRAIN, features.SPLIT_EVAL)[number % 2]

    def place(*buckets: str) -> Place:
        """Where a row of this scan is from."""
        return Place(split, f"1.2.{number}", f"patient {number}", "made up", buckets)

    def overlap() -> Overlap:
        """Some counts of voxels."""
        common = draw.randrange(50)
        return Overlap(common, common + draw.randrange(20), common + draw.randrange(1, 20))

    def mark() -> FalsePositive:
        """A found nodule that is none."""
        return FalsePositive((1.0, 2.0, 3.0), draw.random())

    rows: list[Row] = [
        SliceRow(place(draw.choice(features.BUCKETS)), z, dict.fromkeys(models, overlap()))
        for z in range(_SLICES)
    ]
    for nodule in range(_NODULES):
        figures = dict.fromkeys(models, NoduleFigures(overlap(), 0.5, 2.0, draw.random()))
        where = place(draw.choice(features.BUCKETS))
        rows.append(NoduleRow(where, str(nodule), 7.0, (1.0, 2.0, 3.0), figures))
    calibration = Calibration((1000,) * 10, (100,) * 10)
    marks = tuple(mark() for _ in range(_FALSE_POSITIVES))
    whole = ScanFigures(overlap(), marks, calibration)
    rows.append(ScanRow(place(*features.BUCKETS), dict.fromkeys(models, whole)))
    return [row_bytes(row) for row in rows]


def write_rows(folder: Path, rows: int) -> int:
    """Writes so many rows, of whole scans, as an Examples artifact; returns how many."""
    from components.whole_files import packed_rows, write_whole
    from schema import features
    from schema.files import INDEX_ENDING

    scans = max(2, rows // _ROWS_OF_SCAN)
    for number in range(scans):
        split = (features.SPLIT_TRAIN, features.SPLIT_EVAL)[number % 2]
        path = folder / f"Split-{split}" / f"1.2.{number}{INDEX_ENDING}"
        write_whole(str(path), packed_rows(scan_rows(number)))
    return scans * _ROWS_OF_SCAN


def evaluate(folder: Path, replicates: int) -> None:
    """Runs TFX's Evaluator on the rows in a folder; prints seconds and bytes."""
    from tfx.components.evaluator import executor
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    from components.example_splits import declare_splits
    from pipeline.assembly import LOCAL_BEAM_ARGS
    from pipeline.eval_config import Drawing, eval_config
    from pipeline.gate import gate_criteria
    from pipeline.loading import load_config

    config = load_config("configs/luna16.yaml", output=str(folder))
    asked = eval_config(gate_criteria(config.gate), Drawing(replicates, "made up"))

    def artifact(kind: Any, name: str) -> Any:
        """An artifact in a folder of its own."""
        made = kind()
        made.uri, made.id = str(folder / name), 1
        return made

    rows = artifact(standard_artifacts.Examples, "rows")
    declare_splits(rows, ["train", "eval"])
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    model = artifact(standard_artifacts.Model, "model")
    before = memory_bytes("VmRSS")
    reset_peak_memory()
    began = time.monotonic()
    executor.Executor(context).Do(
        {"examples": [rows], "model": [model], "baseline_model": [model]},
        {
            "evaluation": [artifact(standard_artifacts.ModelEvaluation, "evaluation")],
            "blessing": [artifact(standard_artifacts.ModelBlessing, "blessing")],
        },
        {
            "eval_config": proto_utils.proto_to_json(asked),
            "example_splits": '["train", "eval"]',
            "fairness_indicator_thresholds": "null",
        },
    )
    seconds = time.monotonic() - began
    print(
        f"{seconds:8.1f} s, peak {memory_bytes('VmHWM') / 1e9:.2f} GB of which the libraries are "
        f"{before / 1e9:.2f} GB"
    )


def compare(counts: list[int], replicates: int) -> None:
    """Prints a line for each number of rows, of a process of its own."""
    print(f"{processor()}; {replicates} replicates")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            written = write_rows(Path(name) / "rows", count)
            print(f"{written:8d} rows:", end="", flush=True)
            arguments = ["--measure", name, "--replicates", str(replicates)]
            command = [sys.executable, "-m", "benchmarks.evaluator_rows", *arguments]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(done.stdout.splitlines()[-1], flush=True)


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=whole_number, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--measure", metavar="DIR", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        evaluate(Path(given.measure), given.replicates)
    else:
        compare(given.rows, given.replicates)


if __name__ == "__main__":
    main()
