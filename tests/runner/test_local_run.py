"""How a run's error is told: refusals are found wherever they are in a chain of causes."""

from lungct.readers.tables import TableError
from runner.local_run import _causes, _refusal, _verdict
from schema.criteria import Comparison, Criterion, GateRow, Verdict


def chain(*errors: Exception) -> Exception:
    """The first error, caused by the second, and so on."""
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    return errors[0]


def test_a_refusal_is_found_below_what_others_made_of_it() -> None:
    error = chain(RuntimeError("bundle failed"), ValueError("x"), TableError("line 3 of t.csv"))
    assert _refusal(error) == "line 3 of t.csv"
    assert _refusal(chain(RuntimeError("bundle failed"), OSError("disk full"))) is None


def test_a_chain_that_bites_its_tail_has_an_end() -> None:
    first, second, third = RuntimeError("a"), OSError("b"), RuntimeError("c")
    chain(first, second, third, second)
    assert _causes(first) == [first, second, third]
    assert _refusal(first) is None


def test_what_an_error_came_upon_counts_where_no_cause_is_named() -> None:
    error = RuntimeError("a")
    error.__context__ = TableError("t.csv")
    assert _refusal(error) == "t.csv"


def test_a_missed_gate_names_each_criterion_that_failed() -> None:
    lower = Criterion("pooled_dice", "eval", "15+", Comparison.AT_LEAST, 0.75)
    upper = Criterion("recall", "eval", "all", Comparison.AT_MOST, 0.5)
    gate = [
        GateRow(lower, 0.5, Verdict.FAIL),
        GateRow(upper, 0.75, Verdict.FAIL),
        GateRow(upper, 0.25, Verdict.PASS),
    ]
    heading, *lines = _verdict(gate, blessed=False).splitlines()
    assert "Not blessed, nothing pushed." in heading
    assert [line.partition(": ")[2] for line in lines] == [
        "measured 0.500, 0.250 below the bound of 0.750",
        "measured 0.750, 0.250 above the bound of 0.500",
    ]
