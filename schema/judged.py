"""Judged scans, without pixels: a row for each slice, nodule and scan.

Each row holds the counts of every model that was judged. `schema.judged_io` writes and reads them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lungct.metrics import Overlap
from lungct.sums import sums_of_nodule, sums_of_scan, sums_of_slice
from lungct.tally import Counts, Key, Tally
from schema import features


@dataclass(frozen=True)
class Place:
    """Where a row is from.

    Attributes:
        split: Split of the patient.
        series_uid: The series.
        patient_id: The patient.
        source: Name of the data root.
        buckets: Size buckets that the row counts in.
    """

    split: str
    series_uid: str
    patient_id: str
    source: str
    buckets: tuple[str, ...]


@dataclass(frozen=True)
class NoduleFigures:
    """What one model has of one annotated nodule.

    Attributes:
        overlap: In the box around the nodule.
        surface_dice: Normalised surface Dice in the box; NaN where nothing is true.
        hausdorff_mm: 95th percentile Hausdorff distance; NaN where a mask is empty.
        hit_probability: Of the best found nodule that hits it; NaN where none does.
    """

    overlap: Overlap
    surface_dice: float
    hausdorff_mm: float
    hit_probability: float


@dataclass(frozen=True)
class FalsePositive:
    """A found nodule that hits no annotated one and lies on no excluded finding.

    Attributes:
        centre_mm: World (x, y, z).
        probability: Its probability.
    """

    centre_mm: tuple[float, float, float]
    probability: float


@dataclass(frozen=True)
class Calibration:
    """Voxels of the region by what the model says of them, in bins of equal width from 0 to 1.

    Attributes:
        voxels: For each bin the voxels of which the probability is in it.
        true_voxels: How many of these are true.
    """

    voxels: tuple[int, ...]
    true_voxels: tuple[int, ...]


@dataclass(frozen=True)
class ScanFigures:
    """What one model has of one scan.

    Attributes:
        overlap: Of all its slices.
        false_positives: Those of it.
        calibration: Over the region of interest.
    """

    overlap: Overlap
    false_positives: tuple[FalsePositive, ...]
    calibration: Calibration


@dataclass(frozen=True)
class SliceRow:
    """One slice.

    Attributes:
        place: Where it is from.
        index: z on the working grid.
        overlaps: By model.
    """

    place: Place
    index: int
    overlaps: Mapping[str, Overlap]

    @property
    def models(self) -> frozenset[str]:
        """Whose counts it has."""
        return frozenset(self.overlaps)

    def counts(self) -> dict[str, Counts]:
        """What it counts, by model."""
        return {name: Counts(sums_of_slice(one).vector()) for name, one in self.overlaps.items()}


@dataclass(frozen=True)
class NoduleRow:
    """One annotated nodule.

    Attributes:
        place: Where it is from; its one bucket.
        nodule_id: Unique within the series.
        diameter_mm: As annotated.
        centre_mm: World (x, y, z) as annotated.
        figures: By model.
    """

    place: Place
    nodule_id: str
    diameter_mm: float
    centre_mm: tuple[float, float, float]
    figures: Mapping[str, NoduleFigures]

    @property
    def models(self) -> frozenset[str]:
        """Whose counts it has."""
        return frozenset(self.figures)

    def counts(self) -> dict[str, Counts]:
        """What it counts, by model."""
        return {name: _nodule_counts(one) for name, one in self.figures.items()}


@dataclass(frozen=True)
class ScanRow:
    """One scan.

    Attributes:
        place: Where it is from; it counts in every size bucket, as false positives have none.
        figures: By model.
    """

    place: Place
    figures: Mapping[str, ScanFigures]

    @property
    def models(self) -> frozenset[str]:
        """Whose counts it has."""
        return frozenset(self.figures)

    def counts(self) -> dict[str, Counts]:
        """What it counts, by model."""
        return {name: _scan_counts(one) for name, one in self.figures.items()}


Row = SliceRow | NoduleRow | ScanRow


def key_of(row: Row) -> Key:
    """Where a row counts."""
    place = row.place
    return Key(place.split, place.buckets, place.patient_id, place.source)


def require_models(row: Row, models: Iterable[str]) -> None:
    """Refuses a row that lacks a model; raises ValueError naming model and series."""
    missing = sorted(set(models) - row.models)
    if missing:
        why = "; SegmentScans left the baseline out, as its log says why"
        raise ValueError(
            f"expected rows with counts of {', '.join(missing)}, got counts of "
            f"{', '.join(sorted(row.models))} in one of {row.place.series_uid}"
            + (why if features.BASELINE in missing else "")
        )


def count_row(row: Row, models: Collection[str]) -> tuple[Key, dict[str, Counts]]:
    """Where a row counts, and what for some models.

    Args:
        row: The row.
        models: Their names.

    Raises:
        ValueError: It lacks a model.
    """
    require_models(row, models)
    counts = row.counts()
    return key_of(row), {model: counts[model] for model in models}


def tally_rows(rows: Iterable[Row], models: Collection[str] = (features.CANDIDATE,)) -> Tally:
    """Adds up what rows count for some models.

    Args:
        rows: Judged slices, nodules and scans.
        models: Their names.

    Raises:
        ValueError: A row lacks a model.
    """
    tally = Tally()
    for row in rows:
        tally.add(*count_row(row, models))
    return tally


def _nodule_counts(one: NoduleFigures) -> Counts:
    is_hit = not np.isnan(one.hit_probability)
    sums = sums_of_nodule(one.overlap, one.surface_dice, one.hausdorff_mm, is_hit)
    return Counts(sums.vector(), hits=(one.hit_probability,) if is_hit else ())


def _scan_counts(one: ScanFigures) -> Counts:
    probabilities = tuple(mark.probability for mark in one.false_positives)
    sums = sums_of_scan(one.overlap, len(probabilities))
    return Counts(sums.vector(), false_positives=probabilities)
