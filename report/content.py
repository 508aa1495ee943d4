"""What the report says, as plain typed facts, and the same as JSON for machines."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from lungct.record import OUTCOMES
from report.agreement import Agreement
from report.calibration import CalibrationBin
from report.detection import FrocCurve
from report.evaluation import Evaluation
from report.history import History
from report.nodules import NoduleResult, WrongMark
from report.pictures import Picture
from report.scans import ScanSummary
from schema import features
from schema.gate import GateRow, Verdict
from schema.metrics import MetricRow
from schema.model_facts import ModelFacts
from schema.versions import SUMMARY_VERSION


@dataclass(frozen=True)
class Making:
    """How the report was made.

    Attributes:
        configuration: The run's configuration as JSON text.
        trainer_code_hash: Hash of the code that trained the model.
        probability_threshold: Probability from which a voxel is predicted.
        written: When the report was written, ISO 8601 in UTC.
    """

    configuration: str
    trainer_code_hash: str
    probability_threshold: float
    written: str


@dataclass(frozen=True)
class Lineage:
    """The models that the report is about.

    Attributes:
        model: What is known of the model that was judged, if it was given.
        baseline: The same of the last blessed model that it was compared with.
        seen_patients: Patients that were judged as unseen though the model was trained on them;
            of an evaluation those that were in any split of the model's data.
        is_evaluation: Whether a model that was made elsewhere is judged, without training.
        warnings: Of an evaluation, what must be known of its data, one line each.
        folder: Of an evaluation, where the model lies; empty where that is not known.
        passed_over: Why blessed models are not compared with this one, one line each.
    """

    model: ModelFacts | None = None
    baseline: ModelFacts | None = None
    seen_patients: int = 0
    is_evaluation: bool = False
    warnings: tuple[str, ...] = ()
    folder: str = ""
    passed_over: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version of an evaluated model: the number that its folder is called by, or empty."""
        name = os.path.basename(self.folder)
        return name if name.isdecimal() else ""

    @property
    def model_name(self) -> str:
        """What an evaluated model is called by where it lies; empty where that is not known."""
        place = os.path.dirname(self.folder) if self.version else self.folder
        return os.path.basename(place)


@dataclass(frozen=True)
class Findings:
    """What follows from the judged rows.

    Attributes:
        nodules: Every annotated nodule that was judged, of every split.
        wrong: False positives of the eval split, those of highest probability first.
        curves: FROC curves of the eval split, that of all nodules first.
        calibration: Reliability of the probabilities in the eval split.
        agreement: How volumes agree in the eval split.
    """

    nodules: tuple[NoduleResult, ...]
    wrong: tuple[WrongMark, ...]
    curves: tuple[FrocCurve, ...]
    calibration: tuple[CalibrationBin, ...]
    agreement: Agreement

    @property
    def eval_nodules(self) -> tuple[NoduleResult, ...]:
        """Results of the eval split."""
        return tuple(one for one in self.nodules if one.split == features.SPLIT_EVAL)


@dataclass(frozen=True)
class ReportContent:
    """Everything the report says.

    Attributes:
        name: Name of the run.
        blessed: Whether the Evaluator blessed the model.
        data: The scans in counts and by name.
        evaluation: TFMA's figures and the gate.
        findings: What follows from the judged rows.
        pictures: Places shown in pictures.
        history: How training went; None when there is no history.
        lineage: The models.
        making: How the report was made.
    """

    name: str
    blessed: bool
    data: ScanSummary
    evaluation: Evaluation
    findings: Findings
    pictures: tuple[Picture, ...]
    history: History | None
    lineage: Lineage
    making: Making

    @property
    def title(self) -> str:
        """What the page is called: the run's name, or which model is judged on which data."""
        if not self.lineage.is_evaluation:
            return self.name
        version = f", version {self.lineage.version}" if self.lineage.version else ""
        data = ", ".join(self.data.source_names) or "no data"
        return f"{self.lineage.model_name or 'A model'}{version}, on {data}"

    def gate_rows(self, verdict: Verdict) -> tuple[GateRow, ...]:
        """Criteria that were judged so."""
        return tuple(row for row in self.evaluation.gate if row.verdict is verdict)


@dataclass(frozen=True)
class NoduleSummary:
    """Nodules of one split together.

    Attributes:
        nodules: How many were annotated.
        measured: How many have a Dice; the others fill no voxel of any slice.
        touched: How many a prediction overlaps in at least one voxel.
        median_dice: Median nodule Dice of the measured; None when there are none.
    """

    nodules: int
    measured: int
    touched: int
    median_dice: float | None


def sum_up_nodules(nodules: Sequence[NoduleResult]) -> NoduleSummary:
    """The results in four figures."""
    dice = [one.dice for one in nodules if one.dice is not None]
    return NoduleSummary(
        nodules=len(nodules),
        measured=len(dice),
        touched=sum(one.touched for one in nodules),
        median_dice=median(dice) if dice else None,
    )


def to_json(content: ReportContent) -> dict[str, Any]:
    """The facts of the report without its images; undefined figures are null."""
    evaluation, findings = content.evaluation, content.findings
    facts = {
        "version": SUMMARY_VERSION,
        "name": content.name,
        "written": content.making.written,
        "phantom": content.data.all_phantom,
        "blessed": content.blessed,
        "scans": _outcomes(content.data),
        "data": _data(content.data),
        "metrics": _rows(evaluation.metrics),
        "last_blessed_metrics": _rows(evaluation.last_blessed),
        "changes": None if evaluation.changes is None else _rows(evaluation.changes),
        "gaps": _rows(evaluation.gaps),
        "gate": [row.to_json() for row in evaluation.gate],
        "nodule_summary": asdict(sum_up_nodules(findings.eval_nodules)),
        "nodules": [asdict(one) for one in findings.nodules],
        "false_positives": [asdict(one) for one in findings.wrong],
        "calibration": [asdict(one) for one in findings.calibration],
        "volume_agreement": asdict(findings.agreement),
        "pictures": [_picture(one) for one in content.pictures],
        "history": asdict(content.history) if content.history else None,
        "is_evaluation": content.lineage.is_evaluation,
        "evaluated_model": content.lineage.folder,
        "data_warnings": list(content.lineage.warnings),
        "passed_over": list(content.lineage.passed_over),
        "seen_patients": content.lineage.seen_patients,
        "probability_threshold": content.making.probability_threshold,
        "trainer_code_hash": content.making.trainer_code_hash,
        "configuration": content.making.configuration,
    }
    cleaned: dict[str, Any] = finite(facts)
    return cleaned


def finite(value: Any) -> Any:
    """The same with every NaN and infinity as None, which JSON can express."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _rows(rows: Sequence[MetricRow]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def _outcomes(data: ScanSummary) -> dict[str, int]:
    return {"found": data.found, **{name: getattr(data, name) for name in OUTCOMES}}


def _data(data: ScanSummary) -> dict[str, Any]:
    return {
        "phantoms": data.phantoms,
        "splits": [asdict(split) for split in data.splits],
        "spacing_mm": {
            row.axis: {"min": row.minimum, "median": row.median, "max": row.maximum}
            for row in data.spacing
        },
        "quarantine": _named(data.quarantine),
        "repairs": _named(data.repairs),
        "scan_warnings": _named(data.scan_warnings),
        "truths": dict(data.truths),
        "sources": [asdict(one) for one in data.sources],
        "crops": data.crops,
        "excluded_findings": data.excluded_findings,
        "warnings": list(data.warnings),
    }


def _named(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"series_uid": series, "reason": reason} for series, reason in rows]


def _picture(picture: Picture) -> dict[str, Any]:
    request = picture.request
    return {
        "kind": request.kind,
        "anchor": request.anchor,
        "series_uid": request.series_uid,
        "slice_index": picture.slice_index,
        "nodule_id": request.result.nodule_id if request.result else None,
    }
