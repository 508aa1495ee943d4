"""Predicted against true volumes of nodules, after Bland and Altman.

Volumes of nodules span three orders of magnitude and their errors grow with them, so that ratios
are looked at, by their logarithms (Bland and Altman, Measuring agreement in method comparison
studies, Statistical Methods in Medical Research 8, 1999, section 3.1): the bias is the geometric
mean of predicted / true, and 95% of the nodules are expected within the limits of agreement.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from report.nodules import NoduleResult

# Standard deviations that hold 95% of a normal distribution.
_LIMIT: Final = 1.96


@dataclass(frozen=True)
class Agreement:
    """How predicted volumes agree with true ones.

    Attributes:
        nodules: Nodules of which both volumes are known and not zero.
        missed: Nodules around which nothing is predicted; they are in no other figure here.
        bias: Geometric mean of predicted / true; None without nodules.
        lower: Lower limit of agreement of predicted / true; None with fewer than two nodules.
        upper: Upper limit of agreement.
    """

    nodules: int
    missed: int
    bias: float | None
    lower: float | None
    upper: float | None


def volume_agreement(nodules: Sequence[NoduleResult]) -> Agreement:
    """The agreement of predicted and true volumes; nodules that fill no voxel are left out."""
    measured = [one for one in nodules if one.truth_mm3 > 0]
    logs = [
        math.log(one.predicted_mm3 / one.truth_mm3) for one in measured if one.predicted_mm3 > 0
    ]
    missed = len(measured) - len(logs)
    if not logs:
        return Agreement(0, missed, None, None, None)
    mean = fmean(logs)
    if len(logs) < 2:
        return Agreement(1, missed, math.exp(mean), None, None)
    reach = _LIMIT * stdev(logs)
    return Agreement(
        len(logs), missed, math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)
    )
