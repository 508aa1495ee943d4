"""Nodule Dice: how well each nodule is outlined, in 3-D, inside a box around it.

The box spans the truth of the nodule plus a margin of 5 mm. Within it every true and every
predicted voxel counts, also those of a neighbour that reaches into the box: neighbours are not
told apart. Slices in the box that the nodule does not cut count too, as far as there are any.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lungct.metrics import OverlapSums, slice_overlap
from lungct.record import NoduleRecord, ScanRecord
from report.scans import ZYX
from report.slices import SliceHead, decode, records
from schema import features

MARGIN_MM: Final = 5.0
BATCH_SLICES: Final = 8

Mask = npt.NDArray[np.bool_]
# Serialized tf.Examples to probabilities (N, H, W).
Segmenter = Callable[[Sequence[bytes]], npt.NDArray[np.float32]]


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
    """A result with the place to look for a picture: file, slice, box centre (y, x) in pixels."""

    result: NoduleResult
    path: str
    slice_index: int
    centre_pixels: tuple[float, float]


@dataclass(frozen=True)
class ScanToJudge:
    """One scan to judge: its record and its file of slices."""

    record: ScanRecord
    path: str


@dataclass(frozen=True)
class _Stack:
    """Slices near the nodules of one scan: origin, truth and prediction (y, x) by slice index."""

    origins_mm: Mapping[int, tuple[float, float, float]]
    truth: Mapping[int, Mask]
    prediction: Mapping[int, Mask]


@dataclass(frozen=True)
class _Box:
    """Half-open ranges of pixels in plane, and the slices."""

    slices: tuple[int, ...]
    rows: slice
    columns: slice


def load_segmenter(folder: str) -> Segmenter:
    """The exported model as a function of serialized tf.Examples."""
    model = tf.saved_model.load(folder)
    signature = model.signatures[features.SIGNATURE_EXAMPLES]

    def segment(examples: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """Probability (N, y, x) of serialized examples."""
        outputs = signature(**{features.INPUT_EXAMPLES: tf.constant(list(examples))})
        probability: npt.NDArray[np.float32] = outputs[features.OUTPUT_PROBABILITY].numpy()
        return probability

    # The signature holds the model by a weak reference only.
    segment.model = model  # type: ignore[attr-defined]
    return segment


def judge_scan(
    scan: ScanToJudge, segment: Segmenter, threshold: float, spacing_mm: ZYX
) -> Iterator[JudgedNodule]:
    """Judges every annotated nodule of one scan.

    Args:
        scan: The scan.
        segment: The model.
        threshold: Probability from which a voxel is predicted.
        spacing_mm: Spacing (z, y, x) of the working grid.

    Yields:
        One result per nodule, in the order of the annotations.
    """
    if not scan.record.nodules:
        return
    cuts = _cuts(scan)
    reach = _reach(spacing_mm)
    wanted = {z + d for zs in cuts.values() for z in zs for d in range(-reach, reach + 1)}
    stack = _read_stack(scan.path, wanted, segment, threshold)
    for nodule in scan.record.nodules:
        yield _judge(scan, nodule, cuts.get(nodule.id, ()), stack, spacing_mm)


def _cuts(scan: ScanToJudge) -> dict[str, tuple[int, ...]]:
    """Slice indices that each nodule is cut by."""
    cuts: dict[str, list[int]] = {}
    for head, _ in records(scan.path):
        _check_series(head, scan)
        for nodule_id in head.nodule_ids:
            cuts.setdefault(nodule_id, []).append(head.index)
    unknown = set(cuts) - {nodule.id for nodule in scan.record.nodules}
    if unknown:
        raise ValueError(
            f"expected the nodules that the records of the scans name for "
            f"{scan.record.series_uid}, got also {sorted(unknown)} in {scan.path}"
        )
    return {name: tuple(sorted(indices)) for name, indices in cuts.items()}


def _check_series(head: SliceHead, scan: ScanToJudge) -> None:
    if head.series_uid != scan.record.series_uid:
        raise ValueError(
            f"expected slices of {scan.record.series_uid} only, got one of {head.series_uid} "
            f"in {scan.path}"
        )


def _read_stack(path: str, wanted: set[int], segment: Segmenter, threshold: float) -> _Stack:
    origins: dict[int, tuple[float, float, float]] = {}
    truth: dict[int, Mask] = {}
    prediction: dict[int, Mask] = {}
    for batch in _batches(path, wanted):
        probability = segment([serialized for _, serialized in batch])
        for (head, serialized), plane in zip(batch, probability, strict=True):
            origins[head.index] = head.origin_mm
            truth[head.index] = decode(serialized).truth
            prediction[head.index] = plane >= threshold
    return _Stack(origins, truth, prediction)


def _batches(path: str, wanted: set[int]) -> Iterator[list[tuple[SliceHead, bytes]]]:
    batch: list[tuple[SliceHead, bytes]] = []
    for head, serialized in records(path):
        if head.index in wanted:
            batch.append((head, serialized))
        if len(batch) == BATCH_SLICES:
            yield batch
            batch = []
    if batch:
        yield batch


def _judge(
    scan: ScanToJudge, nodule: NoduleRecord, cut: Sequence[int], stack: _Stack, spacing_mm: ZYX
) -> JudgedNodule:
    box = _box(nodule, cut, stack, spacing_mm) if cut else None
    if box is None:
        return JudgedNodule(_result(scan, nodule, None), scan.path, -1, (0.0, 0.0))
    truth = np.stack([stack.truth[z][box.rows, box.columns] for z in box.slices])
    prediction = np.stack([stack.prediction[z][box.rows, box.columns] for z in box.slices])
    inside = [z for z in box.slices if z in set(cut)]
    largest = max(inside, key=lambda z: int(truth[box.slices.index(z)].sum()))
    centre = (
        (box.rows.start + box.rows.stop - 1) / 2,
        (box.columns.start + box.columns.stop - 1) / 2,
    )
    overlap = slice_overlap(prediction, truth)
    return JudgedNodule(_result(scan, nodule, overlap), scan.path, largest, centre)


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
