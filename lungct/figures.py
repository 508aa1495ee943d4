"""Every figure of a model from what was counted, with intervals by resampling patients.

A figure has a key, its name everywhere: in TFMA, in `run.json`, in the gate. `schema.metrics` says
what people read beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lungct import sums
from lungct.froc.curve import SENSITIVITY_KEYS, cpm
from lungct.intervals import percentile_interval
from lungct.tally import Part, Sample

FloatArray = npt.NDArray[np.float64]
Figure = Callable[[Sample], FloatArray]
Formula = Callable[[sums.Sums], FloatArray]

# Patients of two splits are drawn apart from each other.
_SEED: Final = 1
_OTHER_SEED: Final = 2


@dataclass(frozen=True)
class Measured:
    """A figure and its interval; NaN where it is undefined.

    Attributes:
        value: The figure.
        lower: Lower bound of its interval.
        upper: Upper bound.
    """

    value: float
    lower: float
    upper: float


def measure(key: str, part: Part, replicates: int) -> Measured:
    """A figure of one model.

    Args:
        key: One of FIGURES.
        part: What was counted.
        replicates: How often patients are drawn; 0 for no interval.
    """
    drawn = _replicates(key, part, replicates, _SEED)
    return _measured(FIGURES[key](part.once), drawn, _contributors(key, part))


def measure_change(key: str, part: Part, before: Part, replicates: int) -> Measured:
    """How a figure changed: that of one model minus that of another on the same patients.

    Each draw takes the same patients for both, so that what is common to them cancels.

    Args:
        key: One of FIGURES.
        part: What was counted for the model.
        before: The same for the model that it is compared with.
        replicates: How often patients are drawn; 0 for no interval.

    Raises:
        ValueError: The patients are not the same.
    """
    if part.patients != before.patients:
        raise ValueError(
            f"expected both models judged on the same patients, got {len(part.patients)} and "
            f"{len(before.patients)}"
        )
    drawn = _replicates(key, part, replicates, _SEED) - _replicates(key, before, replicates, _SEED)
    fewest = min(_contributors(key, part), _contributors(key, before))
    return _measured(FIGURES[key](part.once) - FIGURES[key](before.once), drawn, fewest)


def measure_gap(key: str, train: Part, held_out: Part, replicates: int) -> Measured:
    """The generalisation gap: a figure on trained patients minus that on others.

    Args:
        key: One of FIGURES.
        train: What was counted in the train split.
        held_out: The same in another split.
        replicates: How often patients are drawn, of each split alone; 0 for no interval.
    """
    drawn = _replicates(key, train, replicates, _SEED) - _replicates(
        key, held_out, replicates, _OTHER_SEED
    )
    fewest = min(_contributors(key, train), _contributors(key, held_out))
    return _measured(FIGURES[key](train.once) - FIGURES[key](held_out.once), drawn, fewest)


def count(key: str, part: Part) -> int:
    """One of COUNTS."""
    return COUNTS[key](part)


def _contributors(key: str, part: Part) -> int:
    """Patients of whom alone the figure is defined.

    Every scan counts in each size bucket, but a figure of a bucket in which one patient alone has
    nodules has no spread, however many others are drawn.
    """
    formula = _FORMULAS.get(key, sums.lesion_sensitivity)  # a FROC takes patients with nodules
    return int(np.count_nonzero(~np.isnan(formula(sums.unpack(part.vectors)))))


def _replicates(key: str, part: Part, replicates: int, seed: int) -> FloatArray:
    """The figure in each draw of patients, (replicates,)."""
    if not replicates or not part.patients:
        return np.full(replicates, np.nan)
    return FIGURES[key](part.drawn(replicates, seed))


def _measured(value: FloatArray, drawn: FloatArray, patients: int) -> Measured:
    interval = percentile_interval(drawn, patients=patients)
    return Measured(float(value), interval.lower, interval.upper)


def _of_sums(formula: Formula) -> Figure:
    return lambda sample: formula(sample.sums)


def _sensitivity(place: int) -> Figure:
    """Sensitivity at one of the seven rates of false positives."""
    return lambda sample: np.asarray(sample.sensitivities[..., place])


def _cpm(sample: Sample) -> FloatArray:
    return cpm(sample.sensitivities)


_FORMULAS: Final[Mapping[str, Formula]] = {
    "pooled_dice": sums.pooled_dice,
    "mean_slice_dice": sums.mean_slice_dice,
    "nodule_dice": sums.nodule_dice,
    "scan_dice": sums.scan_dice,
    "iou": sums.iou,
    "precision": sums.precision,
    "recall": sums.recall,
    "surface_dice": sums.surface_dice,
    "hausdorff_mm": sums.hausdorff_mm,
    "volume_error": sums.volume_error,
    "lesion_sensitivity": sums.lesion_sensitivity,
    "false_positives_per_scan": sums.false_positives_per_scan,
}

FIGURES: Final[Mapping[str, Figure]] = {
    **{key: _of_sums(formula) for key, formula in _FORMULAS.items()},
    "cpm": _cpm,
    **{key: _sensitivity(place) for place, key in enumerate(SENSITIVITY_KEYS)},
}

COUNTS: Final[Mapping[str, Callable[[Part], int]]] = {
    "patients": lambda part: len(part.patients),
    "scans": lambda part: int(part.once.sums.scans),
    "nodules": lambda part: int(part.once.sums.nodules),
}
