"""Judges one scan: rows of exact counts for its slices, its nodules and the whole of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lungct.froc.matching import Marks, match_marks
from lungct.geometry import Geometry
from lungct.lung.airspace import Box
from lungct.metrics import Mask, Overlap, overlap_of
from lungct.record import FindingRecord, NoduleRecord
from lungct.scan import Nodule
from lungct.surface import surface_figures
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
from schema.slices import stack
from serving.segmentation import Segmentation

# A nodule is measured in a box around its truth with this margin. All that is true or predicted
# there counts, also of a neighbour that reaches into it: neighbours are not told apart.
MARGIN_MM: Final = 5.0
CALIBRATION_BINS: Final = 10


@dataclass(frozen=True)
class JudgedScan:
    """A scan with its truth on the working grid.

    Attributes:
        place: Where it is from; it counts in every size bucket.
        hu: (z, y, x) int16.
        truth: (z, y, x) bool.
        region: (z, y, x) bool, the region of interest.
        geometry: The working grid.
        indices: z of each slice in the index.
        buckets: Size buckets of the nodules that each slice cuts.
        cuts: Slices that each nodule cuts, by its id.
        nodules: The annotated nodules.
        excluded: Findings that a found nodule may lie on without being right or wrong.
    """

    place: Place
    hu: npt.NDArray[np.int16]
    truth: Mask
    region: Mask
    geometry: Geometry
    indices: tuple[int, ...]
    buckets: tuple[tuple[str, ...], ...]
    cuts: Mapping[str, tuple[int, ...]]
    nodules: tuple[NoduleRecord, ...]
    excluded: tuple[FindingRecord, ...] = ()


def unpack_scan(
    examples: Sequence[Any],
    nodules: tuple[NoduleRecord, ...],
    spacing_mm: tuple[float, float, float],
    excluded: tuple[FindingRecord, ...] = (),
) -> JudgedScan:
    """The scan of its slices.

    Args:
        examples: Its slices as tf.train.Examples in the order of z, at least one.
        nodules: Its annotated nodules.
        spacing_mm: Spacing (z, y, x) of the working grid.
        excluded: Its excluded findings.

    Raises:
        ValueError: Slices are of other nodules, or of sizes that differ.
    """
    found = [example.features.feature for example in examples]
    names = [_texts(one, features.NODULE_IDS) for one in found]
    cuts = {
        nodule.id: tuple(z for z, ids in enumerate(names) if nodule.id in ids) for nodule in nodules
    }
    split, series, patient, source = (
        _texts(found[0], name)[0]
        for name in (features.SPLIT, features.SERIES_UID, features.PATIENT_ID, features.SOURCE)
    )
    unknown = {name for ids in names for name in ids} - set(cuts)
    if unknown:
        raise ValueError(
            f"expected slices of the nodules {sorted(cuts)}, got also {sorted(unknown)} in {series}"
        )
    hu = stack(examples, features.IMAGE_HU)
    slices, rows, columns = hu.shape
    x_mm, y_mm, z_mm = found[0][features.SLICE_ORIGIN_MM].float_list.value
    return JudgedScan(
        place=Place(split, series, patient, source, features.BUCKETS),
        hu=hu,
        truth=stack(examples, features.NODULE_COVERAGE) >= features.COVERAGE_THRESHOLD,
        region=stack(examples, features.REGION_MASK) > 0,
        geometry=Geometry((slices, rows, columns), (x_mm, y_mm, z_mm), spacing_mm[::-1]),
        indices=tuple(one[features.SLICE_INDEX].int64_list.value[0] for one in found),
        buckets=tuple(_texts(one, features.SIZE_BUCKETS) for one in found),
        cuts=cuts,
        nodules=nodules,
        excluded=excluded,
    )


def judge_scan(scan: JudgedScan, found: Mapping[str, Segmentation]) -> list[Row]:
    """Counts what each model has of a scan.

    Args:
        scan: The scan.
        found: What each model finds, by its name.

    Returns:
        A row for each slice in the order of z, for each nodule in that of the annotations, and one
        for the scan.
    """
    masks = {name: one.mask for name, one in found.items()}
    hits = {name: _match(scan, one) for name, one in found.items()}
    nodules = [
        _nodule_row(scan, nodule, masks, {name: best[place] for name, (best, _) in hits.items()})
        for place, nodule in enumerate(scan.nodules)
    ]
    figures = {
        name: ScanFigures(
            overlap_of(masks[name], scan.truth), hits[name][1], _calibration(scan, one.probability)
        )
        for name, one in found.items()
    }
    return [*_slice_rows(scan, masks), *nodules, ScanRow(scan.place, figures)]


def _slice_rows(scan: JudgedScan, masks: Mapping[str, Mask]) -> list[SliceRow]:
    return [
        SliceRow(
            _in_buckets(scan.place, buckets),
            index,
            {name: overlap_of(mask[z], scan.truth[z]) for name, mask in masks.items()},
        )
        for z, (index, buckets) in enumerate(zip(scan.indices, scan.buckets, strict=True))
    ]


def _match(scan: JudgedScan, found: Segmentation) -> tuple[list[float], tuple[FalsePositive, ...]]:
    """The best probability that hits each nodule, NaN for none, and what is a false positive."""
    centres_mm = np.array([one.centre_mm for one in found.nodules], np.float64).reshape(-1, 3)
    marks = Marks(centres_mm, np.array([one.probability for one in found.nodules], np.float64))
    targets = [Nodule(one.id, one.centre_mm, one.diameter_mm) for one in scan.nodules]
    excluded = [Nodule("", one.centre_mm, one.diameter_mm) for one in scan.excluded]
    matched = match_marks(marks, targets, excluded)
    wrong = tuple(
        FalsePositive(one.centre_mm, one.probability)
        for one, is_wrong in zip(found.nodules, matched.false_positives, strict=True)
        if is_wrong
    )
    return matched.hit_scores.tolist(), wrong


def _nodule_row(
    scan: JudgedScan,
    nodule: NoduleRecord,
    masks: Mapping[str, Mask],
    hits: Mapping[str, float],
) -> NoduleRow:
    box = nodule_box(scan, nodule)
    return NoduleRow(
        place=_in_buckets(scan.place, (nodule.bucket,)),
        nodule_id=nodule.id,
        diameter_mm=nodule.diameter_mm,
        centre_mm=nodule.centre_mm,
        figures={
            name: _nodule_figures(scan, mask, box, hits[name]) for name, mask in masks.items()
        },
    )


def _nodule_figures(scan: JudgedScan, mask: Mask, box: Box | None, hit: float) -> NoduleFigures:
    if box is None:
        return NoduleFigures(Overlap(0, 0, 0), math.nan, math.nan, hit)
    prediction, truth = mask[box], scan.truth[box]
    surface = surface_figures(prediction, truth, scan.geometry.spacing_zyx_mm)
    return NoduleFigures(overlap_of(prediction, truth), surface.dice, surface.hd95_mm, hit)


def nodule_box(scan: JudgedScan, nodule: NoduleRecord) -> Box | None:
    """The truth within the box of the annotated sphere, and a margin; None where nothing is true.

    The sphere says where to look in plane, so that a neighbour's truth does not stretch the box.

    Args:
        scan: The scan.
        nodule: One of its nodules.
    """
    cut = scan.cuts[nodule.id]
    if not cut:
        return None
    radius_mm = nodule.diameter_mm / 2
    corners = [[mm + sign * radius_mm for mm in nodule.centre_mm] for sign in (-1, 1)]
    low, high = scan.geometry.world_to_voxel(corners)
    _, rows, columns = (
        _span(first, last, size)
        for first, last, size in zip(low, high, scan.geometry.shape, strict=True)
    )
    near = scan.truth[cut[0] : cut[-1] + 1, rows, columns].any(axis=0)
    if not near.any():
        return None
    margins = [MARGIN_MM / step_mm for step_mm in scan.geometry.spacing_zyx_mm]
    return (
        _span(cut[0] - math.ceil(margins[0]), cut[-1] + math.ceil(margins[0]), len(scan.truth)),
        _grown(near.any(axis=1), rows.start, margins[1], scan.truth.shape[1]),
        _grown(near.any(axis=0), columns.start, margins[2], scan.truth.shape[2]),
    )


def _span(first: float, last: float, size: int) -> slice:
    """Whole voxels from `first` to `last`, both included, within 0..size."""
    return slice(max(0, math.floor(first)), max(0, min(size, math.ceil(last) + 1)))


def _grown(held: Mask, start: int, margin: float, size: int) -> slice:
    """From the first to the last place that holds something, and the margin, within 0..size."""
    (places,) = np.nonzero(held)
    return _span(start + places[0] - margin, start + places[-1] + margin, size)


def _calibration(scan: JudgedScan, probability: npt.NDArray[np.float32]) -> Calibration:
    """Voxels of the region by probability."""
    bins = np.minimum(probability[scan.region] * CALIBRATION_BINS, CALIBRATION_BINS - 1)
    place = bins.astype(np.uint8)
    voxels = np.bincount(place, minlength=CALIBRATION_BINS)
    true_voxels = np.bincount(place[scan.truth[scan.region]], minlength=CALIBRATION_BINS)
    return Calibration(tuple(voxels.tolist()), tuple(true_voxels.tolist()))


def _in_buckets(place: Place, buckets: tuple[str, ...]) -> Place:
    return Place(place.split, place.series_uid, place.patient_id, place.source, buckets)


def _texts(feature: Any, name: str) -> tuple[str, ...]:
    return tuple(value.decode() for value in feature[name].bytes_list.value)
