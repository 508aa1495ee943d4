"""Gathers the facts of a run from its artifacts' folders and writes the report."""

import datetime
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from lungct import progress
from lungct.record import ScanRecord
from report.agreement import volume_agreement
from report.calibration import calibration
from report.content import Findings, Lineage, Making, ReportContent, finite, to_json
from report.detection import froc_curves
from report.evaluation import Evaluation, read_evaluation
from report.external import data_warnings, seen_patients
from report.gallery import Request, by_scan, choose_nodules, choose_real, choose_wrong
from report.history import read_history
from report.judged import Judged, read_judged
from report.model_card import model_card
from report.nodules import nodule_results, wrong_marks
from report.page import render
from report.pictures import Picture, draw_scan
from report.scans import sum_up
from report.slices import ZYX, ScanFiles
from schema import features
from schema.criteria import Criterion
from schema.custom_config import parse_grid
from schema.files import INDEX_ENDING, MASK_ENDING, MODEL_CARD_FILE, REPORT_FILE, SUMMARY_FILE
from schema.model_facts import ModelFacts, facts_of, patient_hash
from schema.scan_records import read_scans, read_warnings
from schema.slices import read_index
from serving.served import read_facts

# What the Evaluator leaves in the folder of its blessing.
BLESSED_FILE: Final = "BLESSED"


@dataclass(frozen=True)
class ReportInputs:
    """Folders that the report is made from.

    Attributes:
        examples: Folder by split of the slices and of their index.
        rows: Folder by split of the judged rows.
        predictions: Holds the masks of the scans that were judged.
        evaluation: TFMA's.
        blessing: The Evaluator's.
        scans: The ScanRecords.
        model_run: Holds `history.json`; None where nothing was trained.
        model: The SavedModel that was judged; None where it is not known.
        baseline: That of the model that it was compared with; None for none.
    """

    examples: Mapping[str, str]
    rows: Mapping[str, str]
    predictions: str
    evaluation: str
    blessing: str
    scans: str
    model_run: str | None = None
    model: str | None = None
    baseline: str | None = None


@dataclass(frozen=True)
class ReportParameters:
    """Values that the report is made with.

    Attributes:
        configuration: The run's configuration as JSON; its working grid and the number of
            replicates are read.
        criteria: The gate's criteria.
        trainer_code_hash: Hash of the code that trained the model.
        probability_threshold: Probability from which a voxel is predicted.
        evaluated_model: Where the pushed model lies that is judged; empty where one was trained.
        passed_over: Why blessed models are not compared with the candidate, one line each.
    """

    configuration: str
    criteria: tuple[Criterion, ...]
    trainer_code_hash: str
    probability_threshold: float
    evaluated_model: str = ""
    passed_over: tuple[str, ...] = ()


def write_report(inputs: ReportInputs, parameters: ReportParameters, folder: str) -> ReportContent:
    """Writes the report into a folder.

    Args:
        inputs: What it is made from.
        parameters: What it is made with.
        folder: Gets the page, its facts and the model card as JSON.

    Returns:
        What they say.
    """
    content = gather(inputs, parameters)
    card = finite(model_card(content))
    tf.io.gfile.makedirs(folder)
    _write(os.path.join(folder, REPORT_FILE), render(content, card))
    for name, facts in ((SUMMARY_FILE, to_json(content)), (MODEL_CARD_FILE, card)):
        _write(os.path.join(folder, name), json.dumps(facts, indent=1, allow_nan=False))
    return content


def gather(inputs: ReportInputs, parameters: ReportParameters) -> ReportContent:
    """Reads, sums up and draws everything that the report says.

    Raises:
        ValueError: The inputs contradict each other, or the configuration lacks the working grid
            or the number of replicates.
    """
    configuration = json.loads(parameters.configuration)
    spacing_mm = parse_grid(configuration).spacing_mm
    evaluation = read_evaluation(inputs.evaluation, parameters.criteria)
    blessed = tf.io.gfile.exists(os.path.join(inputs.blessing, BLESSED_FILE))
    _check_blessing(blessed, evaluation, inputs.blessing)
    scans = read_scans(inputs.scans)
    records = {scan.series_uid: scan for scan in scans}
    judged = read_judged(inputs.rows)
    findings = _find(judged, records, math.prod(spacing_mm), _replicates(configuration))
    requests = _choose(judged, findings, records)
    return ReportContent(
        name=str(configuration.get("name", "NoduleFlow")),
        blessed=blessed,
        data=sum_up(scans, read_warnings(inputs.scans)),
        evaluation=evaluation,
        findings=findings,
        pictures=_draw(requests, _files(inputs, requests, records), spacing_mm),
        history=read_history(inputs.model_run) if inputs.model_run else None,
        lineage=_lineage(inputs, parameters, judged, scans),
        making=Making(
            parameters.configuration,
            parameters.trainer_code_hash,
            parameters.probability_threshold,
            _now(),
        ),
    )


def _check_blessing(blessed: bool, evaluation: Evaluation, folder: str) -> None:
    if blessed != evaluation.passed:
        raise ValueError(
            f"expected blessing and gate to agree, got blessed={blessed} in {folder} "
            f"and a gate that was {'passed' if evaluation.passed else 'not passed'}"
        )


def _replicates(configuration: Mapping[str, Any]) -> int:
    """How often patients are drawn for intervals, as the Evaluator was told."""
    try:
        return int(configuration["evaluation"]["replicates"])
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"expected evaluation.replicates in the configuration, got none of {error}"
        ) from error


def _find(
    judged: Judged, records: Mapping[str, ScanRecord], voxel_mm3: float, replicates: int
) -> Findings:
    """What follows from the rows, most of it about the eval split."""
    nodules = nodule_results(judged, records, voxel_mm3)
    held_out = judged.of_split(features.SPLIT_EVAL)
    return Findings(
        nodules=nodules,
        wrong=wrong_marks(judged, records),
        curves=froc_curves(held_out.tally()),
        calibration=calibration(held_out.scans, replicates),
        agreement=volume_agreement([one for one in nodules if one.split == features.SPLIT_EVAL]),
    )


def _choose(judged: Judged, findings: Findings, records: Mapping[str, ScanRecord]) -> list[Request]:
    """What is drawn; where there are phantoms, the first few scans of patients in any case."""
    requests = choose_nodules(findings.nodules)
    series = [row.place.series_uid for row in judged.scans]
    real = [uid for uid in series if not records[uid].phantom]
    if len(real) < len(series):
        requests += choose_real(real, findings.nodules, requests)
    return requests + choose_wrong(findings.wrong)


def _files(
    inputs: ReportInputs, requests: Iterable[Request], records: Mapping[str, ScanRecord]
) -> dict[str, ScanFiles]:
    """Where the pixels of the scans are that are drawn."""
    found = {}
    for uid in sorted({request.series_uid for request in requests}):
        split = records[uid].split
        index = os.path.join(inputs.examples[features.index_split(split)], uid + INDEX_ENDING)
        mask = os.path.join(inputs.predictions, uid + MASK_ENDING)
        found[uid] = ScanFiles(inputs.examples[split], tuple(read_index([index])), mask)
    return found


def _draw(
    requests: Sequence[Request], files: dict[str, ScanFiles], spacing_mm: ZYX
) -> tuple[Picture, ...]:
    """The pictures in the order of the requests; each scan is opened once."""
    drawn: dict[str, Picture] = {}
    grouped = by_scan(requests, files)
    for number, (scan, found) in enumerate(grouped, start=1):
        drawn |= {one.request.anchor: one for one in draw_scan(scan, found, spacing_mm)}
        progress.advance("scans of the report", number, len(grouped))
    return tuple(drawn[request.anchor] for request in requests)


def _lineage(
    inputs: ReportInputs,
    parameters: ReportParameters,
    judged: Judged,
    scans: Sequence[ScanRecord],
) -> Lineage:
    model = read_facts(inputs.model) if inputs.model else None
    baseline = read_facts(inputs.baseline) if inputs.baseline else None
    if inputs.model_run is None:
        return _evaluated(model, parameters.evaluated_model, scans)
    return Lineage(
        model,
        baseline,
        seen_patients=0 if model is None else _seen(judged, model),
        passed_over=parameters.passed_over,
    )


def _evaluated(model: ModelFacts | None, folder: str, scans: Sequence[ScanRecord]) -> Lineage:
    """Of a model that was made elsewhere; patients of all splits of its data count as seen."""
    if model is None:
        return Lineage(is_evaluation=True, folder=folder)
    data = facts_of(scans)
    return Lineage(
        model,
        seen_patients=sum(seen_patients(model.data, data).values()),
        is_evaluation=True,
        warnings=data_warnings(model.data, data),
        folder=folder,
    )


def _seen(judged: Judged, model: ModelFacts) -> int:
    """Patients outside of the train split that the model was trained on."""
    learned = set(model.data.patients.get(features.SPLIT_TRAIN, ()))
    held_out = {
        row.place.patient_id for row in judged.scans if row.place.split != features.SPLIT_TRAIN
    }
    return sum(patient_hash(patient) in learned for patient in held_out)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text)
