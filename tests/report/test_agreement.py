"""Agreement of volumes, worked out by hand."""

import pytest

from report.agreement import Agreement, volume_agreement
from tests.report.facts import nodule


def test_twice_and_half_as_large() -> None:
    nodules = [
        nodule(truth_mm3=100.0, predicted_mm3=200.0),
        nodule(truth_mm3=100.0, predicted_mm3=50.0),
        nodule(truth_mm3=100.0, predicted_mm3=0.0),
        nodule(truth_mm3=0.0, predicted_mm3=9.0),
    ]

    agreement = volume_agreement(nodules)

    # ln 2 and -ln 2: mean 0, standard deviation sqrt(2) ln 2; 2^(1.96 sqrt 2) = 2^2.7719 = 6.830.
    assert (agreement.nodules, agreement.missed) == (2, 1)
    assert agreement.bias == pytest.approx(1.0)
    assert agreement.upper == pytest.approx(6.830, abs=1e-3)
    assert agreement.lower == pytest.approx(1 / 6.830, abs=1e-4)


def test_one_nodule_has_a_bias_and_no_limits() -> None:
    agreement = volume_agreement([nodule(truth_mm3=100.0, predicted_mm3=150.0)])

    assert agreement.bias == pytest.approx(1.5)
    assert (agreement.lower, agreement.upper) == (None, None)


def test_all_missed_or_no_nodule() -> None:
    assert volume_agreement([nodule(predicted_mm3=0.0)]) == Agreement(0, 1, None, None, None)
    assert volume_agreement([]) == Agreement(0, 0, None, None, None)
