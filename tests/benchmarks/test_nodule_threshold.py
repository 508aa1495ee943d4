"""Nodules hit and false positives by threshold, counted by hand."""

import math

from benchmarks.nodule_threshold import at_threshold, froc_by_source, shown
from schema.judged import tally_rows
from tests.schema.made_rows import BUSY, FOUND, ROWS, nodule_row, scan_row


def test_rows_are_summed_up_by_data_root() -> None:
    # Hits of 0.75, none and 0.5; false positives of 0.5 and 0.875 in one of two scans.
    (froc,) = froc_by_source(tally_rows(ROWS)).values()
    assert (froc.scans.sum(), froc.nodules.sum()) == (2, 3)
    found = [at_threshold(froc.curve(), at) for at in (0.5, 0.6, 0.75, 0.8, 0.9)]
    assert [sensitivity for sensitivity, _ in found] == [2 / 3, 1 / 3, 1 / 3, 0, 0]
    assert [per_scan for _, per_scan in found] == [1, 0.5, 0.5, 0.5, 0]


def test_a_root_without_nodules_has_no_sensitivity() -> None:
    (froc,) = froc_by_source(tally_rows([scan_row(BUSY)])).values()
    assert math.isnan(at_threshold(froc.curve(), 0.5)[0])


def test_the_table_has_a_line_for_each_threshold() -> None:
    text = shown(froc_by_source(tally_rows([nodule_row(FOUND), scan_row(BUSY)])))
    assert text.startswith("luna16: 1 scans, 1 nodules\n")
    assert "0.7 1.000 1.00".split() in [line.split() for line in text.splitlines()]
    assert "0.9 0.000 0.00".split() in [line.split() for line in text.splitlines()]
