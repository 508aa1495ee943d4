"""Visits to false positives that were looked for between epochs."""

from collections import Counter

import numpy as np
import pytest

from models.draws import VisitKind
from models.holdout import Holdout
from models.mined import MinedSlice
from models.visits import VisitPlan
from tests.models.rows import scan
from tests.models.test_visits import by_kind_and_source, drawn, plan, settings, three_roots


def mined(*slices: tuple[str, int]) -> list[MinedSlice]:
    """False positives at the pixels 7 and 9 of these slices."""
    return [MinedSlice(series, z, (7, 9)) for series, z in slices]


def test_a_share_of_the_visits_to_no_nodule_goes_to_false_positives() -> None:
    index = scan("a", 30, {z: "6-8" for z in range(2, 9)}) + scan("b", 12, {4: "15+"})
    made = plan(index, nodule_fraction=0.5, hard_negatives=0.3)
    for epoch in range(3):
        visits = made.epoch(epoch, mined(("a", 20), ("b", 1), ("b", 4)))
        hard = drawn(visits, VisitKind.HARD)
        assert abs(len(hard) - 0.3 * 240) < 1 and len(visits) == 480
        assert len(drawn(visits, VisitKind.NODULE)) == 240
        counts = Counter((row.series_uid, row.index) for row in hard)
        assert set(counts) == {("a", 20), ("b", 1), ("b", 4)}
        assert max(counts.values()) - min(counts.values()) <= 1
    one = next(visit for visit in visits if visit.kind is VisitKind.HARD)
    assert one.pixels == (7, 9) and len(one.centres) == 1
    assert all(not visit.pixels for visit in visits if visit.kind is not VisitKind.HARD)


def test_without_false_positives_an_epoch_is_as_it_was() -> None:
    index = scan("a", 30, {z: "6-8" for z in range(2, 9)})
    assert plan(index, hard_negatives=0.5).epoch(3) == plan(index).epoch(3)
    assert plan(index, hard_negatives=0.0).epoch(3, mined(("a", 20))) == plan(index).epoch(3)


def test_shares_of_data_roots_hold_with_false_positives() -> None:
    shares = {"whole": 0.31, "crops": 0.59, "tight": 0.1}
    made = plan(three_roots(), nodule_fraction=0.7, shares=shares, hard_negatives=1.0)
    found = by_kind_and_source(made.epoch(0, mined(("a", 12))))
    # In the root without false positives the visits to no nodule stay.
    assert abs(found[VisitKind.HARD, "whole"] - 480 * 0.31 * 0.3) <= 1
    assert found[VisitKind.OTHER, "whole"] == 0
    assert abs(found[VisitKind.OTHER, "crops"] - 480 * 0.59 * 0.3) <= 1


def test_false_positives_are_looked_for_where_slices_without_nodule_are_drawn() -> None:
    index = [*three_roots(), *scan("d", 9, {3: "6-8"}, source="whole")]
    shares = {"whole": 0.4, "crops": 0.5, "tight": 0.1}
    made = VisitPlan(index, Holdout(("d",)), settings(nodule_fraction=0.7, shares=shares))
    pool = made.mining_pool
    # All slices of both roots, with nodules too, in parts of all visits: 0.12 and 0.15. None of the
    # root of nodules alone, none that are held out.
    assert pool.slices.tolist() == list(range(34))
    weights = np.diff(pool.until, prepend=0)
    np.testing.assert_allclose(weights, [0.12 / 30] * 30 + [0.15 / 4] * 4)


def test_false_positives_need_slices_without_nodules() -> None:
    made = plan(scan("a", 3, dict.fromkeys(range(3), "6-8")), hard_negatives=0.5)
    with pytest.raises(ValueError, match=r"for training.hard_negatives, got none in 3 slices"):
        _ = made.mining_pool
