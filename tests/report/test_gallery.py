"""Which places are shown."""

from dataclasses import replace

import pytest

from report.gallery import (
    BEST,
    MAX_WRONG,
    MEDIAN,
    WORST,
    Request,
    by_scan,
    choose_nodules,
    choose_real,
    choose_wrong,
)
from report.slices import ScanFiles
from tests.report.facts import MARK, nodule

FILES = ScanFiles("folder", (), "mask")


def kinds(count: int) -> list[str]:
    return [one.kind for one in choose_nodules([nodule(n, dice=n / 100) for n in range(count)])]


def test_worst_median_and_best() -> None:
    dice = [0.7, None, 0.9, 0.1, 0.5, 0.6]

    requests = choose_nodules([nodule(n, dice=one) for n, one in enumerate(dice)])

    assert [(one.kind, one.result and one.result.dice) for one in requests] == [
        (WORST, 0.1),
        (WORST, 0.5),
        (MEDIAN, 0.6),
        (MEDIAN, 0.7),
        (BEST, 0.9),
    ]


def test_many_nodules() -> None:
    requests = choose_nodules([nodule(n, dice=n / 1000) for n in range(101)])

    shown = {kind: [one.anchor for one in requests if one.kind == kind] for kind in kinds(101)}
    assert shown[WORST] == [f"nodule-{n}" for n in range(12)]
    assert shown[MEDIAN] == [f"nodule-{n}" for n in range(46, 54)]
    assert shown[BEST] == [f"nodule-{n}" for n in range(100, 92, -1)]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [WORST]), (2, [WORST, BEST]), (3, [WORST, MEDIAN, BEST])],
)
def test_few_nodules_are_shown_once(count: int, expected: list[str]) -> None:
    assert kinds(count) == expected


@pytest.mark.parametrize("count", range(45))
def test_no_nodule_is_shown_twice(count: int) -> None:
    anchors = [one.anchor for one in choose_nodules([nodule(n) for n in range(count)])]
    assert len(set(anchors)) == len(anchors)


def test_train_is_not_shown() -> None:
    assert choose_nodules([nodule(split="train")]) == []


def test_false_positives_are_the_first_few() -> None:
    marks = [replace(MARK, anchor=f"false-positive-{n}") for n in range(MAX_WRONG + 5)]

    requests = choose_wrong(marks)

    assert [one.anchor for one in requests] == [f"false-positive-{n}" for n in range(MAX_WRONG)]


def test_real_scan_shows_its_largest_nodule_unless_it_is_shown_already() -> None:
    nodules = [
        nodule(1, series_uid="a", diameter_mm=5.0),
        nodule(2, series_uid="a", diameter_mm=12.0),
        nodule(3, series_uid="a", diameter_mm=20.0, dice=None),
    ]

    (request,) = choose_real(["a"], nodules, [])

    assert request.anchor == "nodule-2"
    assert choose_real(["a"], nodules, [request]) == []


def test_real_scan_without_nodules_shows_its_middle() -> None:
    requests = choose_real(["a", "b", "c", "d"], [], [])

    assert [one.anchor for one in requests] == ["scan-a", "scan-b", "scan-c"]
    assert all(one.result is one.mark is None for one in requests)


def test_requests_by_scan() -> None:
    one, two, three = (Request("x", uid) for uid in ("a", "b", "a"))

    assert by_scan([one, two, three], {"a": FILES, "b": FILES}) == [
        (FILES, [one, three]),
        (FILES, [two]),
    ]


def test_series_without_slices() -> None:
    with pytest.raises(ValueError, match="expected slices of series a, got none"):
        by_scan([Request("x", "a")], {})
