import math

import numpy as np
import numpy.typing as npt
import pytest

from models.monitor_sample import (
    Stratum,
    allocate,
    difference_error,
    draw,
    grown,
    pooled_dice_estimate,
    totals_by_patient,
)

Counts = npt.NDArray[np.int64]


def stratum(size: int, *slices: tuple[int, int, int], patients: str = "") -> Stratum:
    """Slices as (intersection, predicted, truth), each of a patient named by one letter."""
    columns = np.array(slices, np.int64).reshape(-1, 3).T
    return Stratum(size, *columns, patients=patients or "a" * len(slices))


def test_all_slices_give_pooled_dice_without_error() -> None:
    strata = [stratum(2, (3, 5, 4), (1, 1, 6)), stratum(1, (0, 4, 0))]
    # 2 * 4 over 10 predicted and 10 true
    dice, error = pooled_dice_estimate(strata)
    assert dice == pytest.approx(0.4) and error == 0.0


def test_each_slice_counts_for_those_it_stands_for() -> None:
    strata = [stratum(2, (3, 5, 4), (1, 1, 6)), stratum(8, (0, 4, 0), (0, 0, 0))]
    dice, error = pooled_dice_estimate(strata)
    # Others: 2 of 8, so 4 * 4 = 16 predicted. 2 * 4 over (6 + 16) + 10 = 32.
    assert dice == pytest.approx(0.25)
    # e = -0.25 * 4 = -1 and 0: s² = 0.5; 8² * (1 - 2/8) * 0.5 / 2 = 12, over 32².
    assert error == pytest.approx(math.sqrt(12) / 32)


def test_the_error_adds_up_over_strata() -> None:
    one = stratum(4, (2, 2, 2), (0, 2, 2))
    # D = 4/8; e = 4 - 2 and 0 - 2: s² = 8; 4² * (1 - 2/4) * 8 / 2 = 32; total 2 * 8 = 16.
    assert pooled_dice_estimate([one]) == pytest.approx((0.5, math.sqrt(32) / 16))
    assert pooled_dice_estimate([one, one]) == pytest.approx((0.5, math.sqrt(64) / 32))


def test_totals_of_patients_are_those_of_the_estimate() -> None:
    strata = [
        stratum(2, (3, 5, 4), (1, 1, 6), patients="ba"),
        stratum(8, (0, 4, 0), (0, 0, 0), patients="ac"),
    ]
    # Each of the others stands for 4: patient a has 1 + 6 and 4 * 4 voxels.
    assert totals_by_patient(strata) == {"a": (2.0, 23.0), "b": (6.0, 9.0), "c": (0.0, 0.0)}
    assert pooled_dice_estimate(strata)[0] == pytest.approx((2 + 6) / (23 + 9))


def test_error_of_a_difference_by_leaving_out_patients() -> None:
    one = {"a": (6.0, 10.0), "b": (2.0, 10.0), "c": (4.0, 5.0)}
    other = {"a": (5.0, 10.0), "b": (2.0, 10.0), "c": (3.0, 5.0)}
    # Without a: 6/15 - 5/15; without b: 10/15 - 8/15; without c: 8/20 - 7/20.
    without = np.array([1 / 15, 2 / 15, 1 / 20])
    expected = math.sqrt(2 / 3 * np.sum((without - without.mean()) ** 2))
    assert difference_error(one, other) == pytest.approx(expected)
    assert difference_error(other, one) == pytest.approx(expected)


def test_what_all_patients_share_is_no_error() -> None:
    one = {"a": (9.0, 10.0), "b": (1.0, 10.0), "c": (5.0, 10.0)}
    assert difference_error(one, one) == 0.0
    assert difference_error(one, {name: (a - 1, b) for name, (a, b) in one.items()}) < 1e-12


def test_a_patient_that_only_one_estimate_has_counts_0_in_the_other() -> None:
    one = {"a": (6.0, 10.0), "b": (0.0, 2.0)}
    # Without a: 0 - 0, without b: 6/10 - 4/10.
    assert difference_error(one, {"a": (4.0, 10.0)}) == pytest.approx(math.sqrt(0.5 * 2 * 0.1**2))


def test_one_patient_tells_no_error() -> None:
    assert difference_error({"a": (6.0, 10.0)}, {"a": (4.0, 10.0)}) == 0.0
    assert difference_error({}, {}) == 0.0


@pytest.mark.parametrize("strata", [[], [stratum(0)], [stratum(9, (0, 0, 0), (0, 0, 0))]])
def test_dice_of_nothing_predicted_nor_true_is_0(strata: list[Stratum]) -> None:
    assert pooled_dice_estimate(strata) == (0.0, 0.0)


def test_one_slice_of_many_tells_no_error() -> None:
    with pytest.raises(ValueError, match="expected 2 slices of a stratum of 20, got 1"):
        pooled_dice_estimate([stratum(20, (1, 1, 1))])


@pytest.mark.parametrize(
    ("nodules", "others", "wanted", "expected"),
    [
        (480, 20_820, 500, (333, 167)),  # two thirds, rounded down, and the rest
        (480, 20_820, 4_000, (480, 3_520)),
        (480, 20_820, 99_999, (480, 20_820)),
        (50, 900, 500, (50, 450)),
        (400, 30, 300, (270, 30)),  # too few others: nodules make up for them
        (400, 0, 300, (300, 0)),
        (5, 100, 1, (2, 2)),  # the fewest that have an error
        (1, 1, 1, (1, 1)),
    ],
)
def test_nodules_come_first_but_a_third_is_for_others(
    nodules: int, others: int, wanted: int, expected: tuple[int, int]
) -> None:
    assert allocate(nodules, others, wanted) == expected


def test_more_slices_hold_those_drawn_before() -> None:
    items = [f"slice {number}" for number in range(30)]
    few, many = (draw(items, count, seed=5) for count in (7, 20))
    assert many[:7] == few and len(set(many)) == 20
    assert few != items[:7] and few != draw(items, 7, seed=6)
    assert sorted(draw(items, 30, seed=1)) == sorted(items)


def test_doubles_up_to_all_where_the_error_is_too_large() -> None:
    assert grown(500, 0.03, 0.02, 2_000) == 1_000
    assert grown(500, 0.02, 0.02, 2_000) == 500
    assert grown(1_500, 0.03, 0.02, 2_000) == 2_000


def luna16_like(random: np.random.Generator) -> tuple[Counts, Counts]:
    """(intersection, predicted, truth) of the slices of 71 patients, with nodules and without.

    480 of 21,300 slices have nodules, of some 80 voxels. Of the others 3% have false voxels; most a
    few, some hundreds.
    """
    truth = np.ceil(random.lognormal(4.0, 0.9, 480)).astype(np.int64)
    found = np.where(random.random(480) < 0.9, random.beta(6, 2, 480), 0.0)
    intersection = np.floor(found * truth).astype(np.int64)
    beside = np.floor(random.lognormal(2.2, 1.0, 480)).astype(np.int64)
    nodules = np.stack([intersection, intersection + beside, truth])
    false = np.ceil(random.lognormal(2.0, 1.3, 20_820)).astype(np.int64)
    false[random.random(20_820) > 0.03] = 0
    return nodules, np.stack([np.zeros_like(false), false, np.zeros_like(false)])


def sampled(counts: Counts, count: int, seed: int) -> Stratum:
    places = draw(range(counts.shape[1]), count, seed)
    return Stratum(counts.shape[1], *counts[:, places], patients="a" * count)


def test_a_sample_measures_as_all_slices_would() -> None:
    nodules, others = luna16_like(np.random.default_rng(11))
    intersection, predicted, truth = nodules.sum(axis=1) + others.sum(axis=1)
    exact = 2 * intersection / (predicted + truth)
    assert 0.5 < exact < 0.9 and np.mean(others[1] > 0) < 0.05
    top = np.sort(others[1])[::-1]
    assert top[:208].sum() > 0.7 * top.sum()  # a hundredth of the slices holds most of it
    counts = allocate(480, 20_820, 4_000)
    estimates = np.array(
        [
            pooled_dice_estimate(
                [
                    sampled(one, count, seed)
                    for one, count in zip((nodules, others), counts, strict=True)
                ]
            )
            for seed in range(100)
        ]
    )
    deviation = float(np.std(estimates[:, 0], ddof=1))
    assert abs(float(np.mean(estimates[:, 0])) - exact) < 0.01
    assert deviation <= 0.03
    assert float(np.mean(estimates[:, 1])) == pytest.approx(deviation, rel=0.3)
