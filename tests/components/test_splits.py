"""Splits are by patient, stable as data grows, and close to the fractions asked for."""

import pytest

from components.splits import patient_split


def test_growing_data_moves_nobody() -> None:
    first = {f"p{i}": patient_split(f"p{i}", 0.2, 0.1) for i in range(50)}
    again = {f"p{i}": patient_split(f"p{i}", 0.2, 0.1) for i in range(500)}
    assert all(again[patient] == split for patient, split in first.items())


def test_fractions_are_met_on_average() -> None:
    splits = [patient_split(f"p{i}", 0.2, 0.1) for i in range(4000)]
    # Binomial: 800 ± 4 * sqrt(4000 * 0.2 * 0.8) = 800 ± 101; 400 ± 76.
    assert abs(splits.count("eval") - 800) < 101
    assert abs(splits.count("test") - 400) < 76


def test_another_salt_is_another_assignment() -> None:
    patients = [f"p{i}" for i in range(100)]
    assert [patient_split(p, 0.5) for p in patients] != [
        patient_split(p, 0.5, salt="other") for p in patients
    ]


def test_more_evaluation_keeps_the_patients_already_there() -> None:
    patients = [f"p{i}" for i in range(300)]
    small = {p for p in patients if patient_split(p, 0.1) == "eval"}
    large = {p for p in patients if patient_split(p, 0.3) == "eval"}
    assert small < large


@pytest.mark.parametrize("fractions", [(-0.1, 0.0), (0.5, 0.5), (float("nan"), 0.0)])
def test_fractions_that_leave_nothing_to_train_on(fractions: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected fractions >= 0 with a sum below 1, got eval"):
        patient_split("p", *fractions)
