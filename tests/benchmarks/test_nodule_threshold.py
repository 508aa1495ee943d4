"""Nodules hit and false positives by threshold, counted by hand."""

import math

from benchmarks.nodule_threshold import Found, found_by_source, shown
from tests.schema.made_rows import BUSY, FOUND, ROWS, nodule_row, scan_row


def test_rows_are_summed_up_by_data_root() -> None:
    # Hits of 0.75, none and 0.5; false positives of 0.5 and 0.875 in one of two scans.
    (found,) = found_by_source(ROWS).values()
    assert (found.scans, found.hits, found.false_positives) == (2, [0.75, 0, 0.5], [0.5, 0.875])
    assert [found.sensitivity(at) for at in (0.5, 0.6, 0.75, 0.8)] == [2 / 3, 1 / 3, 1 / 3, 0]
    assert [found.per_scan(at) for at in (0.5, 0.6, 0.9)] == [1, 0.5, 0]


def test_a_root_without_nodules_has_no_sensitivity() -> None:
    assert math.isnan(Found(scans=1).sensitivity(0.5))


def test_the_table_has_a_line_for_each_threshold() -> None:
    text = shown(found_by_source([nodule_row(FOUND), scan_row(BUSY)]))
    assert text.startswith("luna16: 1 scans, 1 nodules\n")
    assert "0.7 1.000 1.00".split() in [line.split() for line in text.splitlines()]
    assert "0.9 0.000 0.00".split() in [line.split() for line in text.splitlines()]
