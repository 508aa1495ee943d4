"""Facts of a made-up report, without files."""

from dataclasses import replace
from typing import Any

from lungct.metrics import Overlap
from report.agreement import Agreement
from report.content import Findings, Lineage, Making, ReportContent
from report.evaluation import Evaluation
from report.nodules import NoduleResult, WrongMark
from report.scans import sum_up
from schema import features
from schema.judged import (
    Calibration,
    FalsePositive,
    NoduleFigures,
    NoduleRow,
    Place,
    ScanFigures,
    ScanRow,
)
from schema.metrics import MetricRow

RESULT = NoduleResult(
    anchor="nodule-1",
    series_uid="1.2.3",
    patient_id="p",
    source="made up",
    split="eval",
    phantom=True,
    nodule_id="1",
    diameter_mm=5.0,
    bucket="3-6",
    centre_mm=(1.0, 2.0, 3.0),
    truth_mm3=100.0,
    predicted_mm3=50.0,
    dice=0.5,
    surface_dice=0.75,
    hausdorff_mm=1.25,
    hit_probability=0.875,
    dice_before=None,
    touched=True,
)
CALIBRATION = Calibration((90, 10), (1, 9))
MARK = WrongMark("false-positive-1", "1.2.3", "p", "eval", True, (1.0, 2.0, 3.0), 0.75)


def nodule(number: int = 1, **changed: Any) -> NoduleResult:
    return replace(RESULT, anchor=f"nodule-{number}", nodule_id=str(number), **changed)


def evaluation(*metrics: MetricRow, **more: Any) -> Evaluation:
    known: dict[str, Any] = {"last_blessed": (), "changes": None, "gaps": (), "gate": ()}
    return Evaluation(metrics, **{**known, **more})


def content(*metrics: MetricRow, **more: Any) -> ReportContent:
    """A report of these figures; `nodules` and what else Findings has go there."""
    nothing = {
        "nodules": (),
        "wrong": (),
        "curves": (),
        "calibration": (),
        "agreement": Agreement(0, 0, None, None, None),
    }
    findings = {name: more.pop(name, value) for name, value in nothing.items()}
    known: dict[str, Any] = {
        "name": "run",
        "blessed": False,
        "data": sum_up((), ()),
        "evaluation": evaluation(*metrics),
        "findings": Findings(**findings),
        "pictures": (),
        "history": None,
        "lineage": Lineage(),
        "making": Making('{"grid": "<b>"}', "c0ffee", 0.5, "2026-01-01T00:00:00+00:00"),
    }
    return ReportContent(**{**known, **more})


def place(*buckets: str, patient: str = "p", split: str = "eval") -> Place:
    return Place(split, f"series of {patient}", patient, "made up", buckets)


def nodule_row(
    overlap: Overlap, hit: float = float("nan"), bucket: str = "3-6", **where: Any
) -> NoduleRow:
    """A nodule as the candidate has it; its surfaces are 0.5 and 2 mm where it fills a voxel."""
    nothing = float("nan")
    surface = (0.5, 2.0 if overlap.predicted else nothing) if overlap.truth else (nothing, nothing)
    figures = NoduleFigures(overlap, *surface, hit)
    return NoduleRow(
        place(bucket, **where), "1", 5.0, (1.0, 2.0, 3.0), {features.CANDIDATE: figures}
    )


def scan_row(
    marks: tuple[float, ...] = (),
    calibration: Calibration = CALIBRATION,
    **where: Any,
) -> ScanRow:
    """A scan with false positives of these probabilities."""
    found = tuple(FalsePositive((1.0, 2.0, 3.0), probability) for probability in marks)
    figures = ScanFigures(Overlap(4, 7, 7), found, calibration)
    return ScanRow(place(*features.BUCKETS, **where), {features.CANDIDATE: figures})
