"""Gathers the facts of a run from its artifacts' folders and writes the report."""

import datetime
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import tensorflow as tf

from lungct import progress
from lungct.record import ScanRecord
from report.content import Making, ReportContent, to_json
from report.evaluation import Evaluation, read_evaluation
from report.history import read_history
from report.nodules import JudgedNodule, ScanToJudge, judge_scan
from report.page import render
from report.pictures import MAX_REAL, Picture, choose_nodules, choose_real, draw
from report.scans import ZYX, read_scans, read_warnings, sum_up
from schema import features
from schema.criteria import Criterion
from schema.files import INDEX_ENDING, MASK_ENDING, REPORT_FILE, SUMMARY_FILE
from schema.hyperparameters import parse_grid
from schema.slices import read_index

# What the Evaluator leaves in the folder of its blessing.
BLESSED_FILE: Final = "BLESSED"


@dataclass(frozen=True)
class ReportInputs:
    """Folders that the report is made from.

    Attributes:
        examples: Folder by split of the slices and of their index.
        predictions: Holds the masks of the scans that were judged.
        model_run: Holds `history.json`; None where nothing was trained.
        evaluation: TFMA's.
        blessing: The Evaluator's.
        scans: The ScanRecords.
    """

    examples: Mapping[str, str]
    predictions: str
    model_run: str | None
    evaluation: str
    blessing: str
    scans: str


@dataclass(frozen=True)
class ReportParameters:
    """Values that the report is made with.

    Attributes:
        configuration: The run's configuration as JSON; its working grid is read.
        criteria: The gate's criteria.
        trainer_code_hash: Hash of the code that trained the model.
        probability_threshold: Probability from which a voxel is predicted.
    """

    configuration: str
    criteria: tuple[Criterion, ...]
    trainer_code_hash: str
    probability_threshold: float


def write_report(inputs: ReportInputs, parameters: ReportParameters, folder: str) -> ReportContent:
    """Writes `report.html` and `summary.json` into the folder and returns what they say."""
    content = gather(inputs, parameters)
    tf.io.gfile.makedirs(folder)
    _write(os.path.join(folder, REPORT_FILE), render(content))
    summary = json.dumps(to_json(content), indent=1, allow_nan=False)
    _write(os.path.join(folder, SUMMARY_FILE), summary)
    return content


def gather(inputs: ReportInputs, parameters: ReportParameters) -> ReportContent:
    """Reads, judges and draws everything that the report says.

    Raises:
        ValueError: The inputs contradict each other, or the configuration lacks the working grid.
    """
    configuration = json.loads(parameters.configuration)
    spacing_mm = parse_grid(configuration).spacing_mm
    evaluation = read_evaluation(inputs.evaluation, parameters.criteria)
    blessed = tf.io.gfile.exists(os.path.join(inputs.blessing, BLESSED_FILE))
    _check_blessing(blessed, evaluation, inputs.blessing)
    scans = read_scans(inputs.scans)
    data = sum_up(scans, read_warnings(inputs.scans))
    chosen = list(_scans_to_judge(inputs, scans, data.mixed))
    threshold = parameters.probability_threshold
    judged = _judge_all(chosen, spacing_mm)
    return ReportContent(
        name=str(configuration.get("name", "NoduleFlow")),
        blessed=blessed,
        data=data,
        evaluation=evaluation,
        nodules=tuple(one.result for _, one in judged),
        pictures=_draw_all(chosen, judged, spacing_mm),
        history=read_history(inputs.model_run) if inputs.model_run else None,
        making=Making(parameters.configuration, parameters.trainer_code_hash, threshold, _now()),
    )


def _check_blessing(blessed: bool, evaluation: Evaluation, folder: str) -> None:
    if blessed != evaluation.passed:
        raise ValueError(
            f"expected blessing and gate to agree, got blessed={blessed} in {folder} "
            f"and a gate that was {'passed' if evaluation.passed else 'not passed'}"
        )


def _scans_to_judge(
    inputs: ReportInputs, scans: Sequence[ScanRecord], mixed: bool
) -> Iterator[ScanToJudge]:
    """The scans of eval, and the first few real ones wherever they are among phantoms.

    Of other splits only scans with a mask: SegmentScans may have been told to leave some out.
    """
    by_series = {scan.series_uid: scan for scan in scans}
    shown = 0
    splits = [split for split in inputs.examples if not features.is_index(split)]
    for split in sorted(splits, key=lambda name: name != features.SPLIT_EVAL):
        if split != features.SPLIT_EVAL and not mixed:
            continue
        for scan in _scans_of(inputs, split, by_series):
            shown += not scan.record.phantom
            real = not scan.record.phantom and shown <= MAX_REAL
            if split == features.SPLIT_EVAL or real:
                yield scan


def _scans_of(
    inputs: ReportInputs, split: str, by_series: Mapping[str, ScanRecord]
) -> Iterator[ScanToJudge]:
    """The scans of a split, in order; of a split other than eval those with a mask."""
    index = inputs.examples[features.index_split(split)]
    for path in sorted(tf.io.gfile.glob(os.path.join(index, f"*{INDEX_ENDING}"))):
        series = os.path.basename(path).removesuffix(INDEX_ENDING)
        mask = os.path.join(inputs.predictions, series + MASK_ENDING)
        if split != features.SPLIT_EVAL and not tf.io.gfile.exists(mask):
            continue
        rows = read_index([path])
        if not rows:  # the index of an empty split
            continue
        if series not in by_series:
            raise ValueError(
                f"expected series {series} of {path} in the records of the scans, got none"
            )
        yield ScanToJudge(by_series[series], inputs.examples[split], tuple(rows), mask)


def _judge_all(
    scans: Sequence[ScanToJudge], spacing_mm: ZYX
) -> list[tuple[ScanToJudge, JudgedNodule]]:
    judged: list[tuple[ScanToJudge, JudgedNodule]] = []
    for number, scan in enumerate(scans, start=1):
        judged += [(scan, one) for one in judge_scan(scan, spacing_mm)]
        progress.advance("scans of the report", number, len(scans))
    return judged


def _draw_all(
    scans: Sequence[ScanToJudge],
    judged: Sequence[tuple[ScanToJudge, JudgedNodule]],
    spacing_mm: ZYX,
) -> tuple[Picture, ...]:
    requests = choose_nodules(judged)
    if any(scan.record.phantom for scan in scans):
        real = [scan for scan in scans if not scan.record.phantom][:MAX_REAL]
        requests += choose_real(real, judged)
    return tuple(draw(request, spacing_mm) for request in requests)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text)
