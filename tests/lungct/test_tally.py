"""Counts by key, added up in any order, and the part of them in a split and size bucket."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from lungct.froc.curve import cpm
from lungct.metrics import Overlap
from lungct.sums import Sums, sums_of_nodule, sums_of_scan, sums_of_slice
from lungct.tally import Counts, Key, Part, Sample, Tally

Row = tuple[Key, dict[str, Counts]]


def key(patient: str, *buckets: str, split: str = "eval", source: str = "near") -> Key:
    return Key(split, buckets or ("3-6",), patient, source)


def slice_counts(common: int, predicted: int, truth: int) -> Counts:
    return Counts(sums_of_slice(Overlap(common, predicted, truth)).vector())


def nodule(*hits: float) -> Counts:
    """A nodule of four voxels, three of which are found."""
    sums = sums_of_nodule(Overlap(3, 3, 4), 0.5, 1.0, bool(hits))
    return Counts(sums.vector(), hits=hits)


def scan(*false_positives: float) -> Counts:
    sums = sums_of_scan(Overlap(3, 4, 4), len(false_positives))
    return Counts(sums.vector(), false_positives=false_positives)


def tally(rows: Sequence[Row]) -> Tally:
    made = Tally()
    for row in rows:
        made.add(*row)
    return made


# Two patients of eval, one of train; a slice of `b` cuts nodules of two sizes.
ROWS: list[Row] = [
    (key("b", "15+", "3-6"), {"m": slice_counts(4, 5, 6)}),
    (key("b", "none"), {"m": slice_counts(0, 1, 0)}),
    (key("b", "15+"), {"m": nodule(0.75)}),
    (key("b", "15+", "3-6"), {"m": scan(0.5, 0.25)}),
    (key("a", "3-6"), {"m": slice_counts(1, 1, 2)}),
    (key("a", "3-6"), {"m": nodule()}),
    (key("a", "15+", "3-6"), {"m": scan()}),
    (key("c", "3-6", split="train"), {"m": slice_counts(7, 8, 9)}),
]


def voxels(part: Part) -> tuple[int, int, int]:
    found = part.once.sums
    return int(found.common), int(found.predicted), int(found.truth)


@pytest.mark.parametrize(
    ("split", "bucket", "patients", "expected"),
    [
        # A row in two buckets counts in each of them, and once in the whole.
        (None, None, ("a", "b", "c"), (12, 15, 17)),
        ("eval", None, ("a", "b"), (5, 7, 8)),
        ("train", None, ("c",), (7, 8, 9)),
        ("eval", "3-6", ("a", "b"), (5, 6, 8)),
        ("eval", "15+", ("a", "b"), (4, 5, 6)),
        ("eval", "none", ("b",), (0, 1, 0)),
        (None, "3-6", ("a", "b", "c"), (12, 14, 17)),
        ("eval", "6-8", (), (0, 0, 0)),
        ("test", None, (), (0, 0, 0)),
    ],
)
def test_a_part_by_hand(
    split: str | None,
    bucket: str | None,
    patients: tuple[str, ...],
    expected: tuple[int, int, int],
) -> None:
    part = tally(ROWS).part("m", split, bucket)
    assert part.patients == patients
    assert voxels(part) == expected
    assert part.vectors.shape == (len(patients), 17)


@pytest.mark.parametrize(
    ("place", "patients", "expected"),
    [
        (("eval", None, "far"), ("a", "b"), (3, 3, 3)),
        (("eval", "15+", "far"), ("b",), (2, 2, 2)),
        ((None, None, "far"), ("a", "b", "c"), (7, 7, 7)),
        (("eval", None, None), ("a", "b"), (11, 11, 11)),
        (("eval", None, "elsewhere"), (), (0, 0, 0)),
    ],
)
def test_a_part_of_one_data_root(
    place: tuple[str | None, ...], patients: tuple[str, ...], expected: tuple[int, int, int]
) -> None:
    rows = [
        (key("a", "3-6", source="far"), {"m": slice_counts(1, 1, 1)}),
        (key("b", "15+", source="far"), {"m": slice_counts(2, 2, 2)}),
        (key("c", "15+", split="train", source="far"), {"m": slice_counts(4, 4, 4)}),
        # A patient of two data roots is one patient in the whole.
        (key("a", "3-6", source="near"), {"m": slice_counts(8, 8, 8)}),
    ]
    part = tally(rows).part("m", *place)
    assert (part.patients, voxels(part)) == (patients, expected)


def test_the_order_of_rows_and_of_merging_does_not_matter() -> None:
    expected = tally(ROWS).part("m")
    draw = random.Random(1)
    for _ in range(5):
        rows = draw.sample(ROWS, len(ROWS))
        at = draw.randrange(len(rows))
        merged = tally(rows[:at])
        merged.merge([Tally(), tally(rows[at:])])
        found = merged.part("m")
        assert found.patients == expected.patients
        assert np.array_equal(found.vectors, expected.vectors)
        assert np.array_equal(found.froc.sensitivities(), expected.froc.sensitivities())


def test_merging_leaves_the_others_as_they_were() -> None:
    one, other = tally(ROWS[:5]), tally(ROWS)
    one.merge([other])
    assert voxels(one.part("m")) == (5 + 12, 7 + 15, 8 + 17)
    assert voxels(other.part("m")) == (12, 15, 17)


def test_models_are_counted_apart() -> None:
    made = tally([(key("a"), {"m": slice_counts(1, 2, 3), "n": slice_counts(3, 3, 3)})])
    assert made.models == {"m", "n"}
    assert (voxels(made.part("m")), voxels(made.part("n"))) == ((1, 2, 3), (3, 3, 3))
    assert Tally().models == frozenset()


def test_patients_drawn_again() -> None:
    part = tally(ROWS).part("m", "eval")
    weights = np.array([[1, 1], [2, 0], [0, 3]], np.int32)  # of a and b
    found = Sample(part, weights).sums
    assert isinstance(found, Sums)
    assert found.common.tolist() == [1 + 4, 2, 12]
    assert found.truth.tolist() == [2 + 6, 4, 18]
    assert found.nodules.tolist() == [2, 2, 3]
    assert found.scans.tolist() == [2, 2, 3]


def test_the_froc_of_a_part() -> None:
    froc = tally(ROWS).part("m", "eval").froc
    # Two nodules, one hit at 0.75; two scans, false positives at 0.5 and 0.25 in one of them.
    assert froc.nodules.tolist() == [1, 1] and froc.scans.tolist() == [1, 1]
    marks = sorted(zip(froc.scores.tolist(), froc.hits.tolist(), froc.units.tolist(), strict=True))
    assert marks == [(0.25, False, 1), (0.5, False, 1), (0.75, True, 1)]
    curve = froc.curve()
    assert curve.false_positives_per_scan.tolist() == [0, 0, 0.5, 1]
    assert curve.sensitivity.tolist() == [0, 0.5, 0.5, 0.5]


def test_the_froc_of_a_bucket_has_its_nodules_and_all_false_positives() -> None:
    small, large = (tally(ROWS).part("m", "eval", bucket).froc for bucket in ("3-6", "15+"))
    assert (small.nodules.sum(), large.nodules.sum()) == (1, 1)
    assert [int((~one.hits).sum()) for one in (small, large)] == [2, 2]
    assert [float(cpm(one.sensitivities())) for one in (small, large)] == [0.0, 1.0]


def test_the_froc_of_nothing_is_undefined() -> None:
    assert np.isnan(cpm(Tally().part("m").froc.sensitivities()))
