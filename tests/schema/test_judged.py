"""What judged rows count, and where."""

import pytest

from lungct.metrics import Overlap
from lungct.sums import COLUMNS
from lungct.tally import Counts, Key
from schema.judged import Row, count_row, key_of, tally_rows
from tests.schema.made_rows import (
    BUSY,
    FOUND,
    MISSED,
    QUIET,
    ROWS,
    WITHOUT_VOXEL,
    nodule_row,
    scan_row,
    slice_row,
)

UNIT = 2**32


def sums(counts: Counts) -> dict[str, int]:
    """The sums that are not 0."""
    return {
        name: value for name, value in zip(COLUMNS, counts.vector.tolist(), strict=True) if value
    }


@pytest.mark.parametrize("row", ROWS)
def test_a_row_counts_for_its_patient_in_its_buckets(row: Row) -> None:
    assert key_of(row) == Key("eval", ("15+", "3-6"), "patient 1", "luna16")


def test_counts_of_a_slice() -> None:
    counts = slice_row(Overlap(2, 4, 4), Overlap(0, 1, 4)).counts()
    voxels = {"common": 2, "predicted": 4, "truth": 4}
    assert sums(counts["candidate"]) == {**voxels, "slice_dice": UNIT // 2, "true_slices": 1}
    assert sums(counts["baseline"]) == {"predicted": 1, "truth": 4, "true_slices": 1}
    assert (counts["candidate"].hits, counts["candidate"].false_positives) == ((), ())


def test_counts_of_a_nodule() -> None:
    counts = nodule_row(FOUND, MISSED).counts()
    assert sums(counts["candidate"]) == {
        "nodules": 1,
        "hits": 1,
        "measured": 1,
        "nodule_dice": round(0.6 * UNIT),
        "surface_dice": UNIT // 4,
        "volume_error": UNIT // 2,
        "hausdorff_mm": 3 * UNIT // 2,
        "outlined": 1,
    }
    assert counts["candidate"].hits == (0.75,)
    assert sums(counts["baseline"]) == {"nodules": 1, "measured": 1, "volume_error": UNIT}
    assert counts["baseline"].hits == ()


def test_a_nodule_without_voxel_is_found_or_not_and_nothing_else() -> None:
    (counts,) = nodule_row(WITHOUT_VOXEL).counts().values()
    assert sums(counts) == {"nodules": 1, "hits": 1}
    assert counts.hits == (0.5,)


def test_counts_of_a_scan() -> None:
    counts = scan_row(BUSY, QUIET).counts()
    assert sums(counts["candidate"]) == {
        "scans": 1,
        "scan_dice": round(6 / 13 * UNIT),
        "true_scans": 1,
        "false_positives": 2,
    }
    assert counts["candidate"].false_positives == (0.5, 0.875)
    assert sums(counts["baseline"]) == {"scans": 1, "true_scans": 1}


def test_voxels_count_once_though_three_rows_hold_them() -> None:
    # Those of nodules and scans are for figures of their own.
    for row in (nodule_row(FOUND), scan_row(BUSY)):
        (counts,) = row.counts().values()
        assert not {"common", "predicted", "truth"} & set(sums(counts))


def test_rows_are_added_up_for_the_models_that_are_asked_for() -> None:
    rows = [slice_row(Overlap(2, 4, 4), Overlap(0, 1, 4)), nodule_row(FOUND, MISSED)]
    assert tally_rows(rows).models == {"candidate"}
    both = tally_rows(rows, ("baseline", "candidate"))
    assert [int(both.part(name).once.sums.hits) for name in ("candidate", "baseline")] == [1, 0]
    assert int(both.part("candidate").once.sums.common) == 2


@pytest.mark.parametrize("row", [slice_row(Overlap(2, 4, 4)), nodule_row(FOUND), scan_row(BUSY)])
def test_a_row_without_a_model_is_refused(row: Row) -> None:
    assert row.models == {"candidate"}
    expected = "expected rows with counts of other, got counts of candidate in one of 1.2.3$"
    with pytest.raises(ValueError, match=expected):
        count_row(row, ("candidate", "other"))
    with pytest.raises(ValueError, match="of baseline, .*; SegmentScans left the baseline out"):
        tally_rows([row], ("baseline",))
