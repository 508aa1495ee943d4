import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.draws import VisitKind, slice_weights
from models.holdout import Holdout
from models.visits import Visit, VisitPlan, lanes, spread
from schema.custom_config import parse
from schema.hyperparameters import Balance, Hyperparameters
from schema.slices import IndexRow
from tests.models import synthetic
from tests.models.rows import scan


def settings(context: int = 1, **training: Any) -> Hyperparameters:
    """32 crops in a batch and 60 batches in an epoch: 480 visits of 4 crops."""
    made = parse(synthetic.CONFIG)
    values = {"steps_per_epoch": 60, "batch_size": 32, "crops_per_visit": 4, **training}
    return replace(
        made,
        grid=replace(made.grid, context=context),
        training=replace(made.training, **values),
    )


def plan(index: Sequence[IndexRow], context: int = 1, **training: Any) -> VisitPlan:
    return VisitPlan(index, Holdout(), settings(context, **training))


def drawn(visits: Iterable[Visit], kind: VisitKind) -> list[IndexRow]:
    return [visit.run[visit.centres[0]] for visit in visits if visit.kind is kind]


def test_weights_by_hand() -> None:
    # Two outer groups of 4 and 1 slices with power 0.5: 2/3 and 1/3. The first has inner groups of
    # 3 and 1 slices with power 0, so 1/3 each, and 1/9 for each of the three.
    outer, inner = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 0])
    weights = slice_weights([(outer, 0.5), (inner, 0.0)])
    np.testing.assert_allclose(weights, [1 / 9, 1 / 9, 1 / 9, 1 / 3, 1 / 3])
    np.testing.assert_allclose(slice_weights([(outer, 1.0), (inner, 1.0)]), np.full(5, 0.2))


def test_share_of_visits_near_nodules_is_exact() -> None:
    index = [row for n in range(5) for row in scan(f"s{n}", 20, {3: "6-8", 4: "6-8"})]
    made = plan(index, nodule_fraction=0.35)
    assert [len(drawn(made.epoch(e), VisitKind.NODULE)) for e in range(3)] == [168] * 3  # of 480
    few = plan(index, nodule_fraction=0.3, steps_per_epoch=4, batch_size=4)  # 1.2 of 4 visits
    counts = [len(drawn(few.epoch(e), VisitKind.NODULE)) for e in range(5)]
    assert set(counts) == {1, 2} and sum(counts) == 6


def test_each_slice_comes_as_often_as_its_weight_says_within_one() -> None:
    index = scan("a", 30, {z: "6-8" for z in range(2, 9)}) + scan("b", 12, {4: "15+"})
    visits = plan(index, nodule_fraction=0.5).epoch(0)
    near = Counter((row.series_uid, row.index) for row in drawn(visits, VisitKind.NODULE))
    # 240 visits; buckets of 7 and 1 slices with power 0.5: √7 / (√7 + 1) = 0.7257 of them
    assert abs(near["b", 4] - 240 * 0.2743) < 1
    assert all(abs(near["a", z] - 240 * 0.7257 / 7) < 1 for z in range(2, 9))
    others = Counter(row.series_uid for row in drawn(visits, VisitKind.OTHER))
    # patients of 23 and 11 slices: √23 / (√23 + √11) = 0.5912
    assert abs(others["a"] - 240 * 0.5912) < 1


def test_sources_and_patients_are_balanced_too() -> None:
    index = [
        *scan("a", 9, {z: "6-8" for z in range(8)}, source="large"),
        *scan("b", 9, {0: "6-8"}, source="large", patient_id="q"),
        *scan("c", 9, {0: "6-8"}, source="small"),
    ]
    balance = Balance(sources=0.0, sizes=0.0, patients=0.0)
    visits = plan(index, nodule_fraction=0.5, balance=balance).epoch(3)
    near = Counter(row.series_uid for row in drawn(visits, VisitKind.NODULE))
    # Sources alike: 120 and 120 of 240; patients alike: 60 and 60 of the first 120.
    for series, expected in {"a": 60, "b": 60, "c": 120}.items():
        assert abs(near[series] - expected) <= 1


def by_kind_and_source(visits: Iterable[Visit]) -> Counter[tuple[VisitKind, str]]:
    return Counter((visit.kind, visit.run[0].source) for visit in visits)


def three_roots() -> list[IndexRow]:
    """30 slices of whole scans, 4 of crops and 2 of crops that are cut throughout."""
    return [
        *scan("a", 30, {z: "6-8" for z in range(3)}, source="whole"),
        *scan("b", 4, {z: "15+" for z in range(2)}, source="crops"),
        *scan("c", 2, {z: "3-6" for z in range(2)}, source="tight"),
    ]


def test_data_roots_have_their_shares_within_one_visit_of_either_kind() -> None:
    shares = {"whole": 0.31, "crops": 0.59, "tight": 0.1}
    made = plan(three_roots(), nodule_fraction=0.7, shares=shares)
    near, other = VisitKind.NODULE, VisitKind.OTHER
    for epoch in range(5):
        found = by_kind_and_source(made.epoch(epoch))  # 480 visits
        assert found.total() == 480
        for kind, source, expected in (
            *((near, "whole", 480 * 0.31 * 0.7), (other, "whole", 480 * 0.31 * 0.3)),
            *((near, "crops", 480 * 0.59 * 0.7), (other, "crops", 480 * 0.59 * 0.3)),
            (near, "tight", 48),  # each of its slices cuts a nodule
        ):
            assert abs(found[kind, source] - expected) <= 1
        assert found[other, "tight"] == 0


def test_roots_without_a_share_have_the_rest_by_their_balance() -> None:
    # 30 and 2 slices at the power 0.5: √30 / (√30 + √2) = 0.7948 of the half that is left
    balance = Balance(sources=0.5)
    visits = plan(three_roots(), shares={"crops": 0.5}, balance=balance).epoch(0)
    found = Counter(visit.run[0].source for visit in visits)
    for source, expected in {"crops": 240, "whole": 240 * 0.7948, "tight": 240 * 0.2052}.items():
        assert abs(found[source] - expected) <= 2


def test_a_root_may_be_left_out_of_training() -> None:
    shares = {"whole": 0.5, "crops": 0.5, "tight": 0.0}
    visits = plan(three_roots(), shares=shares).epoch(0)
    assert {visit.run[0].source for visit in visits} == {"whole", "crops"}


def test_shares_hold_whatever_a_root_has_that_is_held_out() -> None:
    index = [*three_roots(), *scan("d", 9, {3: "6-8"}, source="other")]
    made = VisitPlan(index, Holdout(("d",)), settings(shares={"crops": 0.5}))
    assert {visit.run[0].source for visit in made.epoch(0)} == {"whole", "crops", "tight"}


def test_shares_that_do_not_fit_the_roots_are_refused() -> None:
    with pytest.raises(
        ValueError, match="training.shares: expected shares of the data roots crops"
    ):
        plan(three_roots(), shares={"crosp": 0.5})
    only_others = [*scan("a", 9, source="whole"), *scan("b", 4, {0: "15+"}, source="crops")]
    with pytest.raises(ValueError, match="nodules to train on, got none in 9 slices"):
        plan(only_others, shares={"whole": 1.0, "crops": 0.0})


def test_several_epochs_draw_each_slice() -> None:
    index = scan("a", 400, {0: "6-8"})
    made = plan(index, steps_per_epoch=4, nodule_fraction=0.0)  # 32 of 399 slices in an epoch
    seen = {row.index for e in range(25) for row in drawn(made.epoch(e), VisitKind.OTHER)}
    assert len(seen) == 399  # 25 independent epochs of 32 would draw 345 of them


def test_runs_hold_the_neighbours_and_their_context() -> None:
    index = scan("a", 12, {z: "6-8" for z in (0, 1, 2, 3, 9)}) + scan("b", 5, {4: "6-8"})
    expected = {
        ("a", 0): (range(0, 4), (0, 1)),  # the scan begins here; run and centres in it
        ("a", 1): (range(0, 5), (1, 0, 2)),
        ("a", 3): (range(0, 6), (3, 2)),  # 4 is without nodule
        ("a", 9): (range(7, 12), (2,)),
        ("b", 4): (range(2, 5), (2,)),
    }
    visits = plan(index, context=2, nodule_fraction=1.0).epoch(0)
    seen = set()
    for visit in visits:
        centre = visit.run[visit.centres[0]]
        key = centre.series_uid, centre.index
        seen.add(key)
        assert {row.series_uid for row in visit.run} == {centre.series_uid}
        if key in expected:
            assert (range_of(visit.run), visit.centres) == expected[key]
    assert seen == {*expected, ("a", 2)}
    assert max(len(visit.run) for visit in visits) <= 3 + 2 * 2


def range_of(run: Sequence[IndexRow]) -> range:
    return range(run[0].index, run[-1].index + 1)


def test_others_have_no_nodule_but_voxels_of_the_region() -> None:
    index = scan("a", 4, {1: "6-8"}) + scan("b", 4, {}, region_voxels=0)
    visits = plan(index, nodule_fraction=0.5).epoch(0)
    others = {(row.series_uid, row.index) for row in drawn(visits, VisitKind.OTHER)}
    assert others == {("a", 0), ("a", 2), ("a", 3)}
    for visit in visits:
        cut = {visit.run[centre].buckets != ("none",) for centre in visit.centres}
        assert cut == {visit.kind is VisitKind.NODULE}


def test_without_others_all_visits_are_near_nodules() -> None:
    visits = plan(scan("a", 3, dict.fromkeys(range(3), "6-8")), nodule_fraction=0.5).epoch(0)
    assert len(drawn(visits, VisitKind.NODULE)) == 480


def centres_of(visits: Iterable[Visit]) -> set[tuple[str, int]]:
    rows = [visit.run[centre] for visit in visits for centre in visit.centres]
    return {(row.series_uid, row.index) for row in rows}


def test_patients_held_out_are_never_read() -> None:
    index = scan("a", 9, {z: "6-8" for z in (3, 4, 5)}) + scan("b", 9, {3: "6-8"})
    visits = VisitPlan(index, Holdout(("b",)), settings()).epoch(0)
    assert {row.series_uid for visit in visits for row in visit.run} == {"a"}
    assert centres_of(visits) == {("a", z) for z in range(9)}


def test_single_slices_held_out_are_context_only() -> None:
    index = scan("a", 9, {z: "6-8" for z in (3, 4, 5)})
    visits = VisitPlan(index, Holdout((), frozenset({("a", 4)})), settings()).epoch(0)
    assert centres_of(visits) == {("a", z) for z in range(9) if z != 4}
    assert any(row.index == 4 for visit in visits for row in visit.run)


def test_refuses_to_train_without_nodules() -> None:
    index = scan("a", 3, {1: "6-8"}) + scan("b", 4)
    with pytest.raises(ValueError, match="nodules to train on, got none in 4 slices"):
        VisitPlan(index, Holdout(("a",)), settings())


def test_visits_of_a_group_are_spread_evenly() -> None:
    groups = np.array([0] * 30 + [1] * 10)
    order = spread(groups, np.random.default_rng(3))
    assert sorted(order) == list(range(40))
    steps = np.diff(np.flatnonzero(groups[order] == 1))
    assert set(steps) <= {3, 4, 5}  # 4 on average
    assert not np.array_equal(order, spread(groups, np.random.default_rng(4)))


@pytest.mark.parametrize("scans", [12, 15, 100])
@pytest.mark.parametrize("crops", [1, 3, 4])
def test_a_batch_is_of_many_scans(scans: int, crops: int) -> None:
    index = [
        row
        for n in range(scans)
        for row in scan(f"s{n:03}", 40 + n % 7, {z: "6-8" for z in range(5, 9 + n % 3)})
    ]
    made, order = (
        plan(index, crops_per_visit=crops),
        lanes(settings(crops_per_visit=crops).training),
    )
    for epoch in range(3):
        visits = made.epoch(epoch)
        fewest = min(
            len({visits[number].run[0].series_uid for number in batch}) for batch in order[0]
        )
        assert fewest >= min(12, scans - 1)


def test_lanes_by_hand() -> None:
    # Four lanes, five steps, two crops a visit: three visits in each lane, 12 in all.
    training = settings(batch_size=4, steps_per_epoch=5, crops_per_visit=2).training
    visit, crop = lanes(training)
    assert visit[:, 0].tolist() == [0, 4, 4, 8, 8] and crop[:, 0].tolist() == [1, 0, 1, 0, 1]
    assert visit[:, 3].tolist() == [3, 3, 7, 7, 11] and crop[:, 3].tolist() == [0, 1, 0, 1, 0]


def test_lanes_use_each_crop_once_and_change_visits_in_turn() -> None:
    visit, crop = lanes(settings().training)
    assert visit.shape == crop.shape == (60, 32)
    used = Counter(zip(visit.ravel().tolist(), crop.ravel().tolist(), strict=True))
    assert set(used) == {(v, c) for v in range(480) for c in range(4)}
    assert set((np.diff(visit, axis=0) != 0).sum(axis=1).tolist()) == {8}
    assert all(len(set(batch)) == 32 for batch in visit.tolist())


def test_an_epoch_is_a_function_of_its_number() -> None:
    index = [row for n in range(5) for row in scan(f"s{n}", 20, {3: "6-8", 4: "6-8"})]
    made = plan(index)
    one, two = made.epoch(1), made.epoch(2)
    assert one == plan(index).epoch(1) == made.epoch(1)
    assert one != two and one != plan(index, seed=2).epoch(1)


def test_an_epoch_of_a_large_data_set_is_planned_in_a_moment() -> None:
    index = [
        row for n in range(500) for row in scan(f"s{n:03}", 100, dict.fromkeys(range(9), "6-8"))
    ]
    made = plan(index, steps_per_epoch=1000)
    seconds = []
    for epoch in range(3):  # a busy machine slows some of them
        start = time.process_time()
        assert len(made.epoch(epoch)) == 8000
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1
