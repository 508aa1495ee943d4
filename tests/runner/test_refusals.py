"""Refusals of the data are found wherever they are in a chain of causes."""

from lungct.readers.tables import TableError
from runner.refusals import causes_of, refusal_of


def chain(*errors: Exception) -> Exception:
    """The first error, caused by the second, and so on."""
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    return errors[0]


def test_a_refusal_is_found_below_what_others_made_of_it() -> None:
    error = chain(RuntimeError("bundle failed"), ValueError("x"), TableError("line 3 of t.csv"))
    assert refusal_of(error) == "line 3 of t.csv"
    assert refusal_of(chain(RuntimeError("bundle failed"), OSError("disk full"))) is None


def test_a_cyclic_chain_of_causes_has_an_end() -> None:
    first, second, third = RuntimeError("a"), OSError("b"), RuntimeError("c")
    chain(first, second, third, second)
    assert causes_of(first) == [first, second, third]
    assert refusal_of(first) is None


def test_what_an_error_came_upon_counts_where_no_cause_is_named() -> None:
    error = RuntimeError("a")
    error.__context__ = TableError("t.csv")
    assert refusal_of(error) == "t.csv"
