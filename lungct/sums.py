"""The sums that every figure of a model follows from, and the formulas, in numpy.

Sums of slices, nodules and scans are whole numbers, so that they do not depend on the order in
which rows are added up. What is no whole number itself, such as the Dice of one slice, is counted
in units of 2^-32.

The protocols differ by 0.2 on the same model, since large nodules dominate whatever pools voxels:
*pooled* Dice adds the voxels of all slices before it divides; *mean slice* Dice averages over the
slices that hold truth; *scan* Dice over the scans that do; *nodule* Dice over nodules, each in a
box around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lungct.metrics import Overlap, ratio

# Numbers or arrays of one shape: one for each replicate of the patients.
Values = Any
FloatArray = npt.NDArray[np.float64]

_UNIT: Final = 2**32


@dataclass(frozen=True)
class Sums:
    """Sums over slices, nodules and scans; each a number or an array of one shape.

    Attributes:
        common: Voxels of all slices that are predicted and true.
        predicted: Voxels of all slices that are predicted.
        truth: Voxels of all slices that are true.
        slice_dice: Dice of the slices that hold truth, in units of 2^-32.
        true_slices: Slices that hold truth.
        nodules: Annotated nodules.
        hits: Nodules that a found nodule hits.
        measured: Nodules that fill at least one voxel.
        nodule_dice: Dice of the measured nodules, in units of 2^-32.
        surface_dice: Normalised surface Dice of these, in units of 2^-32.
        volume_error: |predicted - true voxels| / true voxels of these, in units of 2^-32.
        hausdorff_mm: 95th percentile Hausdorff distances of the predicted, in units of 2^-32 mm.
        outlined: Measured nodules around which anything is predicted.
        scans: Scans.
        scan_dice: Dice of the scans that hold truth, in units of 2^-32.
        true_scans: Scans that hold truth.
        false_positives: Found nodules that hit no annotated one and lie on no excluded finding.
    """

    common: Values = 0
    predicted: Values = 0
    truth: Values = 0
    slice_dice: Values = 0
    true_slices: Values = 0
    nodules: Values = 0
    hits: Values = 0
    measured: Values = 0
    nodule_dice: Values = 0
    surface_dice: Values = 0
    volume_error: Values = 0
    hausdorff_mm: Values = 0
    outlined: Values = 0
    scans: Values = 0
    scan_dice: Values = 0
    true_scans: Values = 0
    false_positives: Values = 0

    def vector(self) -> npt.NDArray[np.int64]:
        """The sums in the order of the fields."""
        return np.array([getattr(self, name) for name in COLUMNS], np.int64)


COLUMNS: Final = tuple(field.name for field in fields(Sums))


def sums_of_slice(overlap: Overlap) -> Sums:
    """The sums of one slice."""
    true = overlap.truth > 0
    return Sums(
        common=overlap.common,
        predicted=overlap.predicted,
        truth=overlap.truth,
        slice_dice=_fixed(overlap.dice) if true else 0,
        true_slices=int(true),
    )


def sums_of_nodule(
    overlap: Overlap, surface_dice: float, hausdorff_mm: float, is_hit: bool
) -> Sums:
    """The sums of one annotated nodule.

    Args:
        overlap: In the box around the nodule.
        surface_dice: Normalised surface Dice in the box; not read where nothing is true.
        hausdorff_mm: 95th percentile Hausdorff distance; NaN where nothing is predicted.
        is_hit: Whether a found nodule hits it.
    """
    if not overlap.truth:
        return Sums(nodules=1, hits=int(is_hit))
    outlined = math.isfinite(hausdorff_mm)
    return Sums(
        nodules=1,
        hits=int(is_hit),
        measured=1,
        nodule_dice=_fixed(overlap.dice),
        surface_dice=_fixed(surface_dice),
        volume_error=_fixed(abs(overlap.predicted - overlap.truth) / overlap.truth),
        hausdorff_mm=_fixed(hausdorff_mm) if outlined else 0,
        outlined=int(outlined),
    )


def sums_of_scan(overlap: Overlap, false_positives: int) -> Sums:
    """The sums of one scan.

    Args:
        overlap: Of the whole scan.
        false_positives: Found nodules that hit no annotated one and lie on no excluded finding.
    """
    true = overlap.truth > 0
    return Sums(
        scans=1,
        scan_dice=_fixed(overlap.dice) if true else 0,
        true_scans=int(true),
        false_positives=false_positives,
    )


def pooled_dice(sums: Sums) -> FloatArray:
    """2 |P and T| / (|P| + |T|) over all voxels; NaN when nothing is true or predicted."""
    return ratio(2 * sums.common, sums.predicted + sums.truth)


def iou(sums: Sums) -> FloatArray:
    """|P and T| / |P or T| over all voxels; NaN when nothing is true or predicted."""
    return ratio(sums.common, sums.predicted + sums.truth - sums.common)


def precision(sums: Sums) -> FloatArray:
    """Share of the predicted voxels that are true; NaN when nothing is predicted."""
    return ratio(sums.common, sums.predicted)


def recall(sums: Sums) -> FloatArray:
    """Share of the true voxels that are predicted; NaN when nothing is true."""
    return ratio(sums.common, sums.truth)


def mean_slice_dice(sums: Sums) -> FloatArray:
    """Mean Dice of the slices that hold truth; NaN when none does."""
    return _mean(sums.slice_dice, sums.true_slices)


def scan_dice(sums: Sums) -> FloatArray:
    """Mean Dice of the scans that hold truth; NaN when none does."""
    return _mean(sums.scan_dice, sums.true_scans)


def nodule_dice(sums: Sums) -> FloatArray:
    """Mean Dice of nodules; NaN when none fills a voxel."""
    return _mean(sums.nodule_dice, sums.measured)


def surface_dice(sums: Sums) -> FloatArray:
    """Mean normalised surface Dice of nodules, missed ones 0; NaN when none fills a voxel."""
    return _mean(sums.surface_dice, sums.measured)


def hausdorff_mm(sums: Sums) -> FloatArray:
    """Mean 95th percentile Hausdorff distance in mm; NaN when nothing is predicted anywhere."""
    return _mean(sums.hausdorff_mm, sums.outlined)


def volume_error(sums: Sums) -> FloatArray:
    """Mean |P - T| / T of the voxels of nodules, missed ones 1; NaN when none fills a voxel."""
    return _mean(sums.volume_error, sums.measured)


def lesion_sensitivity(sums: Sums) -> FloatArray:
    """Share of the annotated nodules that are hit; NaN when there is none."""
    return ratio(sums.hits, sums.nodules)


def false_positives_per_scan(sums: Sums) -> FloatArray:
    """False positives per scan; NaN when there is no scan."""
    return ratio(sums.false_positives, sums.scans)


def unpack(vectors: npt.NDArray[Any]) -> Sums:
    """Sums of vectors.

    Args:
        vectors: (..., columns), what `Sums.vector` gave, added up.

    Returns:
        Sums of arrays (...).
    """
    return Sums(*np.moveaxis(np.asarray(vectors), -1, 0))


def _fixed(value: float) -> int:
    return round(value * _UNIT)


def _mean(total: Values, count: Values) -> FloatArray:
    return ratio(total, np.asarray(count, np.float64) * _UNIT)
