"""What the report says, as plain typed facts, and the same as JSON for machines."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from lungct.record import OUTCOMES
from report.evaluation import Evaluation
from report.history import History
from report.nodules import NoduleResult
from report.pictures import Picture
from report.scans import DataFacts
from schema import features
from schema.criteria import GateRow, Verdict

SUMMARY_VERSION: Final = 1


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
class ReportContent:
    """Everything the report says.

    Attributes:
        name: Name of the run.
        blessed: Whether the Evaluator blessed the model.
        data: The scans in counts.
        evaluation: TFMA's figures and the gate.
        nodules: Results of single nodules: all of eval, and those of real scans shown.
        pictures: Places shown side by side.
        history: How training went; None when the Trainer left no history.
        making: How the report was made.
    """

    name: str
    blessed: bool
    data: DataFacts
    evaluation: Evaluation
    nodules: tuple[NoduleResult, ...]
    pictures: tuple[Picture, ...]
    history: History | None
    making: Making

    @property
    def eval_nodules(self) -> tuple[NoduleResult, ...]:
        """Results of the eval split."""
        return tuple(one for one in self.nodules if one.split == features.SPLIT_EVAL)

    @property
    def failed(self) -> tuple[GateRow, ...]:
        """Criteria that the model missed."""
        return tuple(row for row in self.evaluation.gate if row.verdict is Verdict.FAIL)


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
        touched=sum(one.overlap_voxels > 0 for one in nodules),
        median_dice=median(dice) if dice else None,
    )


def to_json(content: ReportContent) -> dict[str, Any]:
    """The facts of the report without its images; undefined figures are null."""
    facts = {
        "version": SUMMARY_VERSION,
        "name": content.name,
        "written": content.making.written,
        "phantom": content.data.all_phantom,
        "blessed": content.blessed,
        "scans": _outcomes(content.data),
        "data": _data(content.data),
        "metrics": [asdict(row) for row in content.evaluation.metrics],
        "last_blessed_metrics": [asdict(row) for row in content.evaluation.last_blessed],
        "gate": [row.to_json() for row in content.evaluation.gate],
        "nodule_summary": asdict(sum_up_nodules(content.eval_nodules)),
        "nodules": [asdict(one) for one in content.nodules],
        "pictures": [_picture(one) for one in content.pictures],
        "history": asdict(content.history) if content.history else None,
        "probability_threshold": content.making.probability_threshold,
        "trainer_code_hash": content.making.trainer_code_hash,
        "configuration": content.making.configuration,
    }
    cleaned: dict[str, Any] = _finite(facts)
    return cleaned


def _outcomes(data: DataFacts) -> dict[str, int]:
    return {"found": data.found, **{name: getattr(data, name) for name in OUTCOMES}}


def _data(data: DataFacts) -> dict[str, Any]:
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
        "sources": dict(data.sources),
        "crops": data.crops,
        "warnings": list(data.warnings),
    }


def _named(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"series_uid": series, "reason": reason} for series, reason in rows]


def _picture(picture: Picture) -> dict[str, Any]:
    return {
        "kind": picture.kind,
        "series_uid": picture.series_uid,
        "split": picture.split,
        "phantom": picture.phantom,
        "slice_index": picture.slice_index,
        "nodule_id": picture.result.nodule_id if picture.result else None,
    }


def _finite(value: Any) -> Any:
    """The same with every NaN and infinity as None, which JSON can express."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
