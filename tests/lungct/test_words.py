"""Counts in words."""

import pytest

from lungct.words import counted, noun


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 scans"), (1, "1 scan"), (2, "2 scans"), (1000, "1000 scans")]
)
def test_only_one_is_singular(number: int, expected: str) -> None:
    assert counted(number, "scan") == expected


def test_a_plural_of_its_own() -> None:
    assert counted(1, "criterion", "criteria") == "1 criterion"
    assert counted(2, "criterion", "criteria") == "2 criteria"
    assert [noun(number, "was", "were") for number in (1, 2)] == ["was", "were"]
