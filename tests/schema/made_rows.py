"""Judged rows of one patient, of one model or two."""

import math
from typing import TypeVar

from lungct.metrics import Overlap
from schema.judged import (
    Calibration,
    FalsePositive,
    NoduleFigures,
    NoduleRow,
    Place,
    ScanFigures,
    ScanRow,
    SliceRow,
)

# Exact in 32 bits, as tf.Examples hold floats.
PLACE = Place("eval", "1.2.3", "patient 1", "luna16", ("15+", "3-6"))
CENTRE_MM = (-12.5, 30.25, 100.0)
FOUND = NoduleFigures(Overlap(3, 6, 4), 0.25, 1.5, 0.75)
MISSED = NoduleFigures(Overlap(0, 0, 4), 0.0, math.nan, math.nan)
WITHOUT_VOXEL = NoduleFigures(Overlap(0, 0, 0), math.nan, math.nan, 0.5)
BUSY = ScanFigures(
    Overlap(3, 9, 4),
    (FalsePositive((1.0, 2.0, 3.0), 0.5), FalsePositive((-4.0, 5.5, 6.0), 0.875)),
    Calibration((90, 10), (1, 9)),
)
QUIET = ScanFigures(Overlap(0, 0, 4), (), Calibration((100, 0), (10, 0)))

T = TypeVar("T")


def by_model(candidate: T, baseline: T | None) -> dict[str, T]:
    return {
        name: one
        for name, one in (("candidate", candidate), ("baseline", baseline))
        if one is not None
    }


def slice_row(candidate: Overlap, baseline: Overlap | None = None) -> SliceRow:
    return SliceRow(PLACE, 7, by_model(candidate, baseline))


def nodule_row(candidate: NoduleFigures, baseline: NoduleFigures | None = None) -> NoduleRow:
    return NoduleRow(PLACE, "n 1", 5.5, CENTRE_MM, by_model(candidate, baseline))


def scan_row(candidate: ScanFigures, baseline: ScanFigures | None = None) -> ScanRow:
    return ScanRow(PLACE, by_model(candidate, baseline))


ROWS = [
    slice_row(Overlap(1, 2, 3)),
    slice_row(Overlap(0, 0, 0), Overlap(0, 5, 0)),
    nodule_row(FOUND),
    nodule_row(MISSED, FOUND),
    nodule_row(WITHOUT_VOXEL),
    scan_row(BUSY),
    scan_row(QUIET, BUSY),
]
