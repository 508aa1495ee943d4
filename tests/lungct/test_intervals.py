import math

import numpy as np
import pytest

from benchmarks.interval_coverage import FIGURES, coverage, true_figures
from lungct import intervals
from lungct.intervals import Interval, percentile_interval, replicate_weights


def bounds(interval):
    return [interval.lower, interval.upper]


def test_weights_are_counts_of_drawn_patients():
    weights = replicate_weights(7, 50, seed=3)
    assert weights.shape == (50, 7) and weights.dtype == np.int32
    assert weights.min() == 0 and (weights.sum(axis=1) == 7).all()


def test_weights_are_multinomial():
    # Of 4 patients each is drawn binomially: mean 1, variance 4 * 1/4 * 3/4 = 0.75; two of them
    # have covariance -4 * 1/4 * 1/4 = -0.25.
    weights = replicate_weights(4, 20_000, seed=0)
    assert weights.mean(axis=0) == pytest.approx(np.ones(4), abs=0.03)
    expected = np.full((4, 4), -0.25) + np.eye(4)
    assert np.cov(weights.T) == pytest.approx(expected, abs=0.03)


def test_the_same_arguments_give_the_same_weights(monkeypatch):
    weights = replicate_weights(5, 40, seed=11)
    # Written down, so that another version of numpy that draws otherwise is noticed.
    assert weights[:2].tolist() == [[2, 0, 2, 1, 0], [2, 0, 1, 2, 0]]
    assert (replicate_weights(5, 40, seed=11) == weights).all()
    assert (replicate_weights(5, 9, seed=11) == weights[:9]).all()
    assert (replicate_weights(5, 40, seed=12) != weights).any()
    monkeypatch.setattr(intervals, "_BLOCK_DRAWS", 15)
    assert (replicate_weights(5, 40, seed=11) == weights).all()


def test_one_patient_is_always_drawn():
    assert replicate_weights(1, 3, seed=0).tolist() == [[1], [1], [1]]


@pytest.mark.parametrize("arguments", [(0, 5, 0), (5, 0, 0), (5, 5, -1)])
def test_weights_of_nothing_are_refused(arguments):
    got = "got {}, {} and {}".format(*arguments)
    with pytest.raises(ValueError, match=f"expected at least 1 patient.*{got}"):
        replicate_weights(*arguments)


def test_interval_between_percentiles():
    # 0, 1, ... 200: the 2.5th percentile is 5, the 97.5th is 195; of 90 %, 10 and 190.
    values = np.random.default_rng(0).permutation(201)
    assert bounds(percentile_interval(values)) == pytest.approx([5, 195])
    assert bounds(percentile_interval(values, level=0.9)) == pytest.approx([10, 190])


def test_undefined_replicates_are_left_out():
    interval = percentile_interval([*range(201), *[math.nan] * 201])
    assert bounds(interval) == pytest.approx([5, 195])
    assert interval.replicates == 201


@pytest.mark.parametrize(
    ("values", "patients", "replicates"),
    [
        ([1.0, 2.0, math.nan, math.nan, math.nan], None, 2),
        ([math.nan, math.nan], 9, 0),
        ([], None, 0),
        ([0.5, 0.5, 0.5], 1, 3),
        ([0.5, 0.5, 0.5], 0, 3),
    ],
)
def test_undefined_intervals(values, patients, replicates):
    interval = percentile_interval(values, patients=patients)
    assert math.isnan(interval.lower) and math.isnan(interval.upper)
    assert interval.replicates == replicates


def test_two_patients_have_an_interval():
    assert percentile_interval([0.5, 0.5], patients=2) == Interval(0.5, 0.5, 2)


def test_values_of_several_figures_are_refused():
    with pytest.raises(ValueError, match=r"shape \(replicates,\), got \(2, 3\)"):
        percentile_interval(np.zeros((2, 3)))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_levels_out_of_range_are_refused(level):
    with pytest.raises(ValueError, match=f"above 0 and below 1, got {level}"):
        percentile_interval([1.0], level=level)


@pytest.mark.parametrize("patients", [40, 60, 100])
def test_intervals_hold_the_true_figure_as_often_as_they_say(patients):
    held = dict(zip(FIGURES, coverage(patients, 1000, 500, true_figures()), strict=True))
    for name in ("pooled Dice", "mean nodule Dice", "lesion sensitivity"):
        assert 0.88 <= held[name] <= 0.97, (name, held)
