"""Nodule Dice: how well each nodule is outlined, in 3-D, inside a box around it.

The box spans the truth of the nodule plus a margin of 5 mm. Within it every true and every
predicted voxel counts, also those of a neighbour that reaches into the box: neighbours are not
told apart. Slices in the box that the nodule does not cut count too, as far as there are any.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import tensorflow as tf

from lungct.metrics import Mask, OverlapSums, slice_overlap
from lungct.record import NoduleRecord, ScanRecord
from report.scans import ZYX
from report.slices import origin_of, read_slices, truth_of
from schema.masks import read_mask
from schema.slices import IndexRow

MARGIN_MM: Final = 5.0


@dataclass(frozen=True)
class NoduleResult:
    """One nodule and how it was outlined.

    Attributes:
        series_uid: Its series.
        patient_id: Its patient.
        split: Split of the patient.
        phantom: Whether the scan is computer-made.
        nodule_id: Unique within the series.
        diameter_mm: Annotated diameter.
        bucket: Size bucket of the diameter.
        dice: 3-D Dice in the box; None when the nodule fills no voxel of any slice.
        truth_voxels: True voxels in the box.
        predicted_voxels: Predicted voxels in the box.
        overlap_voxels: Voxels that are both.
    """

    series_uid: str
    patient_id: str
    split: str
    phantom: bool
    nodule_id: str
    diameter_mm: float
    bucket: str
    dice: float | None
    truth_voxels: int
    predicted_voxels: int
    overlap_voxels: int


@dataclass(frozen=True)
class JudgedNodule:
    """A result with the place to look for a picture: slice, box centre (y, x) in pixels."""

    result: NoduleResult
    slice_index: int
    centre_pixels: tuple[float, float]


@dataclass(frozen=True)
class ScanToJudge:
    """One scan to judge.

    Attributes:
        record: Its record.
        folder: Folder of its split, which holds its file of slices.
        rows: Its index, in the order of z.
        mask: File of what is predicted in it.
    """

    record: ScanRecord
    folder: str
    rows: tuple[IndexRow, ...]
    mask: str


@dataclass(frozen=True)
class _Stack:
    """Slices of one scan by z: origin and truth (y, x) near the nodules, prediction of all."""

    origins_mm: Mapping[int, tuple[float, float, float]]
    truth: Mapping[int, Mask]
    prediction: Mapping[int, Mask]


@dataclass(frozen=True)
class _Box:
    """Half-open ranges of pixels in plane, and the slices."""

    slices: tuple[int, ...]
    rows: slice
    columns: slice


def judge_scan(scan: ScanToJudge, spacing_mm: ZYX) -> Iterator[JudgedNodule]:
    """Judges every annotated nodule of one scan.

    Args:
        scan: The scan.
        spacing_mm: Spacing (z, y, x) of the working grid.

    Yields:
        One result per nodule, in the order of the annotations.

    Raises:
        ValueError: Record, index, slices and mask are not of one scan.
    """
    if not scan.record.nodules:
        return
    cuts = _cuts(scan)
    reach = _reach(spacing_mm)
    wanted = {z + d for zs in cuts.values() for z in zs for d in range(-reach, reach + 1)}
    stack = _read_stack(scan, wanted)
    for nodule in scan.record.nodules:
        yield _judge(scan, nodule, cuts.get(nodule.id, ()), stack, spacing_mm)


def read_prediction(scan: ScanToJudge) -> dict[int, Mask]:
    """What is predicted in a scan.

    Args:
        scan: The scan.

    Returns:
        bool (rows, columns) by z.

    Raises:
        ValueError: The mask is not of the scan's shape.
    """
    with tf.io.gfile.GFile(scan.mask, "rb") as file:
        mask = read_mask(file.read())
    shape = (len(scan.rows), scan.rows[0].rows, scan.rows[0].columns)
    if mask.shape != shape:
        raise ValueError(f"expected a mask of shape {shape}, got {mask.shape} in {scan.mask}")
    return {row.index: plane for row, plane in zip(scan.rows, mask, strict=True)}


def _cuts(scan: ScanToJudge) -> dict[str, tuple[int, ...]]:
    """Slice indices that each nodule is cut by."""
    cuts: dict[str, list[int]] = {}
    for row in scan.rows:
        if row.series_uid != scan.record.series_uid:
            raise ValueError(
                f"expected slices of {scan.record.series_uid} only, got one of {row.series_uid} "
                f"in {scan.folder}"
            )
        for nodule_id in row.nodule_ids:
            cuts.setdefault(nodule_id, []).append(row.index)
    unknown = set(cuts) - {nodule.id for nodule in scan.record.nodules}
    if unknown:
        raise ValueError(
            f"expected the nodules that the records of the scans name for "
            f"{scan.record.series_uid}, got also {sorted(unknown)} in {scan.folder}"
        )
    return {name: tuple(sorted(indices)) for name, indices in cuts.items()}


def _read_stack(scan: ScanToJudge, wanted: set[int]) -> _Stack:
    examples = read_slices(scan.folder, scan.rows, wanted)
    return _Stack(
        origins_mm={z: origin_of(example) for z, example in examples.items()},
        truth={z: truth_of(example) for z, example in examples.items()},
        prediction=read_prediction(scan),
    )


def _judge(
    scan: ScanToJudge, nodule: NoduleRecord, cut: Sequence[int], stack: _Stack, spacing_mm: ZYX
) -> JudgedNodule:
    box = _box(nodule, cut, stack, spacing_mm) if cut else None
    if box is None:
        return JudgedNodule(_result(scan, nodule, None), -1, (0.0, 0.0))
    truth = np.stack([stack.truth[z][box.rows, box.columns] for z in box.slices])
    prediction = np.stack([stack.prediction[z][box.rows, box.columns] for z in box.slices])
    inside = [z for z in box.slices if z in set(cut)]
    largest = max(inside, key=lambda z: int(truth[box.slices.index(z)].sum()))
    centre = (
        (box.rows.start + box.rows.stop - 1) / 2,
        (box.columns.start + box.columns.stop - 1) / 2,
    )
    overlap = slice_overlap(prediction, truth)
    return JudgedNodule(_result(scan, nodule, overlap), largest, centre)


def _box(nodule: NoduleRecord, cut: Sequence[int], stack: _Stack, spacing_mm: ZYX) -> _Box | None:
    """The truth within the annotated sphere's box and 5 mm around it; None when there is none.

    The sphere says where to look, so that a neighbour's truth does not stretch the box.
    """
    x_origin_mm, y_origin_mm, _ = stack.origins_mm[cut[0]]
    centre_x_mm, centre_y_mm, _ = nodule.centre_mm
    shape = stack.truth[cut[0]].shape
    radius_mm = nodule.diameter_mm / 2
    rows = _around(centre_y_mm - y_origin_mm, radius_mm, spacing_mm[1], shape[0])
    columns = _around(centre_x_mm - x_origin_mm, radius_mm, spacing_mm[2], shape[1])
    near = np.any([stack.truth[z][rows, columns] for z in cut], axis=0)
    if not near.any():
        return None
    first, last = cut[0] - _reach(spacing_mm), cut[-1] + _reach(spacing_mm)
    return _Box(
        slices=tuple(z for z in sorted(stack.truth) if first <= z <= last),
        rows=_grown(near.any(axis=1), rows.start, spacing_mm[1], shape[0]),
        columns=_grown(near.any(axis=0), columns.start, spacing_mm[2], shape[1]),
    )


def _around(centre_mm: float, radius_mm: float, step_mm: float, size: int) -> slice:
    """The pixels that a sphere reaches along one axis, within 0..size."""
    return _span((centre_mm - radius_mm) / step_mm, (centre_mm + radius_mm) / step_mm, size)


def _reach(spacing_mm: ZYX) -> int:
    """Slices that the margin takes."""
    return math.ceil(MARGIN_MM / spacing_mm[0])


def _span(first: float, last: float, size: int) -> slice:
    """Whole pixels from `first` to `last`, both included, within 0..size."""
    return slice(max(0, math.floor(first)), min(size, math.ceil(last) + 1))


def _grown(hit: Mask, start: int, step_mm: float, size: int) -> slice:
    """From the first to the last hit plus the margin, within 0..size."""
    (places,) = np.nonzero(hit)
    margin = MARGIN_MM / step_mm
    return _span(start + places[0] - margin, start + places[-1] + margin, size)


def _result(scan: ScanToJudge, nodule: NoduleRecord, overlap: OverlapSums | None) -> NoduleResult:
    return NoduleResult(
        series_uid=scan.record.series_uid,
        patient_id=scan.record.patient_id,
        split=scan.record.split,
        phantom=scan.record.phantom,
        nodule_id=nodule.id,
        diameter_mm=nodule.diameter_mm,
        bucket=nodule.bucket,
        dice=overlap.pooled_dice if overlap is not None else None,
        truth_voxels=int(overlap.truth) if overlap is not None else 0,
        predicted_voxels=int(overlap.predicted) if overlap is not None else 0,
        overlap_voxels=int(overlap.intersection) if overlap is not None else 0,
    )
