"""Shares of the data roots in training."""

import pytest

from schema.shares import complete_shares


def test_named_roots_have_their_shares() -> None:
    assert complete_shares({"b": 0.25, "a": 0.75}, {"a": 9, "b": 1}) == {"a": 0.75, "b": 0.25}


def test_the_others_have_the_rest_in_proportion_to_their_weights() -> None:
    shares = complete_shares({"b": 0.4}, {"a": 1, "b": 7, "c": 3})
    # 0.6 in parts of 1 and 3
    assert shares == pytest.approx({"a": 0.15, "b": 0.4, "c": 0.45})


def test_a_root_may_be_left_out() -> None:
    assert complete_shares({"a": 1, "b": 0}, {"a": 1, "b": 1}) == {"a": 1, "b": 0}


def test_shares_in_decimals_are_one_together() -> None:
    thirds = complete_shares({"a": 0.1, "b": 0.2, "c": 0.7}, {"a": 1, "b": 1, "c": 1})
    assert sum(thirds.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"x": 0.5}, "expected shares of the data roots a, b, got one of 'x'"),
        ({"a": 0.5, "b": 0.25}, "expected shares that are 1 together, got a: 0.5, b: 0.25"),
        ({"a": 0.5, "b": 0.75}, "expected shares that are 1 together, got a: 0.5, b: 0.75"),
        ({"a": 1.0}, "expected a rest for b, got a: 1"),
        ({"a": 1.5}, "expected a rest for b, got a: 1.5"),
    ],
)
def test_shares_that_do_not_fit_the_roots_are_refused(
    shares: dict[str, float], expected: str
) -> None:
    with pytest.raises(ValueError) as caught:
        complete_shares(shares, {"a": 1, "b": 1})
    assert str(caught.value) == expected
