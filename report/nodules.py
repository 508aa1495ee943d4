"""Single nodules and false positives as the page and `summary.json` show them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lungct.record import ScanRecord
from report.judged import Judged
from schema import features
from schema.judged import FalsePositive, NoduleFigures, NoduleRow, ScanRow

XYZ = tuple[float, float, float]


@dataclass(frozen=True)
class NoduleResult:
    """One annotated nodule and how it was found and outlined; what is undefined is None.

    Attributes:
        anchor: Its name within the page.
        series_uid: Its series.
        patient_id: Its patient.
        source: Name of the data root.
        split: Split of the patient.
        phantom: Whether the scan is computer-made.
        nodule_id: Unique within the series.
        diameter_mm: As annotated.
        bucket: Size bucket of the diameter.
        centre_mm: World (x, y, z) as annotated.
        truth_mm3: True volume in the box around it.
        predicted_mm3: Predicted volume in the box.
        dice: 3-D Dice in the box; None where the nodule fills no voxel.
        surface_dice: Normalised surface Dice at 1 mm in the box.
        hausdorff_mm: 95th percentile Hausdorff distance; None where a mask is empty.
        hit_probability: Of the best found nodule that hits it; None where none does.
        dice_before: Dice of the last blessed model.
        touched: Whether a predicted voxel is true.
    """

    anchor: str
    series_uid: str
    patient_id: str
    source: str
    split: str
    phantom: bool
    nodule_id: str
    diameter_mm: float
    bucket: str
    centre_mm: XYZ
    truth_mm3: float
    predicted_mm3: float
    dice: float | None
    surface_dice: float | None
    hausdorff_mm: float | None
    hit_probability: float | None
    dice_before: float | None
    touched: bool

    @property
    def change(self) -> float | None:
        """Dice minus that of the last blessed model."""
        if self.dice is None or self.dice_before is None:
            return None
        return self.dice - self.dice_before


@dataclass(frozen=True)
class WrongMark:
    """A found nodule that hits no annotated one.

    Attributes:
        anchor: Its name within the page.
        series_uid: Its series.
        patient_id: Its patient.
        split: Split of the patient.
        phantom: Whether the scan is computer-made.
        centre_mm: World (x, y, z).
        probability: What the model gives it.
    """

    anchor: str
    series_uid: str
    patient_id: str
    split: str
    phantom: bool
    centre_mm: XYZ
    probability: float


def nodule_results(
    judged: Judged, records: Mapping[str, ScanRecord], voxel_mm3: float
) -> tuple[NoduleResult, ...]:
    """The results of every nodule, in the order of the rows.

    Args:
        judged: The rows.
        records: Records of the scans by series.
        voxel_mm3: Volume of a voxel of the working grid.

    Raises:
        ValueError: A series has no record.
    """
    return tuple(
        _result(f"nodule-{number}", row, record_of(row, records), voxel_mm3)
        for number, row in enumerate(judged.nodules, start=1)
    )


def wrong_marks(
    judged: Judged, records: Mapping[str, ScanRecord], split: str = features.SPLIT_EVAL
) -> tuple[WrongMark, ...]:
    """The false positives of a split, those of highest probability first.

    Args:
        judged: The rows.
        records: Records of the scans by series.
        split: The split.

    Raises:
        ValueError: A series has no record.
    """
    found = [
        (mark, row)
        for row in judged.of_split(split).scans
        for mark in row.figures[features.CANDIDATE].false_positives
    ]
    found.sort(key=lambda pair: -pair[0].probability)
    return tuple(
        _wrong(f"false-positive-{number}", mark, record_of(row, records))
        for number, (mark, row) in enumerate(found, start=1)
    )


def record_of(row: NoduleRow | ScanRow, records: Mapping[str, ScanRecord]) -> ScanRecord:
    """The record of the scan that a row is of.

    Raises:
        ValueError: There is none.
    """
    series = row.place.series_uid
    if series not in records:
        raise ValueError(
            f"expected series {series} of the judged rows in the records of the scans, got none"
        )
    return records[series]


def by_dice(nodules: Sequence[NoduleResult]) -> list[NoduleResult]:
    """The measured nodules, worst first; of equal ones the larger is the worse."""
    known = [one for one in nodules if one.dice is not None]
    return sorted(known, key=lambda one: (one.dice, -one.diameter_mm, one.anchor))


def _result(anchor: str, row: NoduleRow, record: ScanRecord, voxel_mm3: float) -> NoduleResult:
    figures = row.figures[features.CANDIDATE]
    before = row.figures.get(features.BASELINE)
    overlap = figures.overlap
    return NoduleResult(
        anchor=anchor,
        series_uid=row.place.series_uid,
        patient_id=row.place.patient_id,
        source=row.place.source,
        split=row.place.split,
        phantom=record.phantom,
        nodule_id=row.nodule_id,
        diameter_mm=row.diameter_mm,
        bucket=row.place.buckets[0],
        centre_mm=row.centre_mm,
        truth_mm3=overlap.truth * voxel_mm3,
        predicted_mm3=overlap.predicted * voxel_mm3,
        dice=_dice(figures),
        surface_dice=_defined(figures.surface_dice),
        hausdorff_mm=_defined(figures.hausdorff_mm),
        hit_probability=_defined(figures.hit_probability),
        dice_before=None if before is None else _dice(before),
        touched=overlap.common > 0,
    )


def _wrong(anchor: str, mark: FalsePositive, record: ScanRecord) -> WrongMark:
    return WrongMark(
        anchor=anchor,
        series_uid=record.series_uid,
        patient_id=record.patient_id,
        split=record.split,
        phantom=record.phantom,
        centre_mm=mark.centre_mm,
        probability=mark.probability,
    )


def _dice(figures: NoduleFigures) -> float | None:
    """Nodule Dice; of a nodule that fills no voxel it says nothing, whatever is predicted."""
    return figures.overlap.dice if figures.overlap.truth else None


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
