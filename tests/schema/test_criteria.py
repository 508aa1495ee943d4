"""Criteria in words and as JSON."""

import math
from dataclasses import replace

import pytest

from schema.criteria import Criterion, criteria_from_json, criteria_to_json
from tests.schema.made_criteria import ALL, CHANGE, GAP, HIGH, LOW, NO_WORSE, OF_ROOT, RISE, SURE


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        (LOW, "pooled Dice, eval split ≥ 0.5"),
        (HIGH, "voxel recall, eval split, nodules 8–15 mm ≤ 0.75"),
        (CHANGE, "change of pooled Dice, eval split against the last blessed model ≥ −0.03125"),
        (RISE, "change of pooled Dice, eval split against the last blessed model ≤ +0.125"),
        (GAP, "gap of pooled Dice, eval split to the train split ≤ +0.125"),
        (OF_ROOT, "voxel recall, eval split, data root crops, nodules 8–15 mm ≤ 0.75"),
        (SURE, "upper bound of voxel recall, eval split, nodules 8–15 mm ≤ 0.75"),
        (
            NO_WORSE,
            "lower bound of change of pooled Dice, eval split against the last blessed model "
            "≥ −0.03125",
        ),
        (replace(CHANGE, bound=0.0), f"{CHANGE.text.partition(' ≥')[0]} ≥ +0"),
    ],
)
def test_in_words(criterion: Criterion, text: str) -> None:
    assert criterion.text == text


def test_json_there_and_back() -> None:
    criteria = (*ALL, replace(HIGH, min_nodules=20))

    assert criteria_from_json(criteria_to_json(criteria)) == criteria


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"metric": "dice"}, "expected a metric that .* lists, got 'dice'"),
        ({"split": "monitor"}, "expected a split of .*, got 'monitor'"),
        ({"bucket": "9-15"}, "expected a bucket of .*, got '9-15'"),
        ({"bound": math.nan}, "expected a finite bound on pooled_dice, got nan"),
        ({"comparison": ">"}, "'>' is not a valid Comparison"),
        ({"kind": "relative"}, "'relative' is not a valid Kind"),
        ({"on": "median"}, "'median' is not a valid On"),
        (
            {"metric": "scan_dice", "bucket": "3-6"},
            "expected scan_dice of all buckets, got bucket '3-6'",
        ),
        (
            {"kind": "gap", "split": "train"},
            "expected the gap of the eval split, got split 'train'",
        ),
        ({"source": ""}, "expected the name of a data root, or all, got ''"),
        ({"min_nodules": -1}, "expected at least 0 min_nodules, got -1"),
    ],
)
def test_wrong_criteria_are_refused(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Criterion.from_json({**LOW.to_json(), **changed})


def test_records_without_a_data_root_are_of_all() -> None:
    values = OF_ROOT.to_json()
    assert values.pop("source") == "crops"
    assert Criterion.from_json(values) == HIGH


def test_criterion_that_lacks_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got none of \['split', .*'min_nodules'\]: .*recall"):
        Criterion.from_json({"metric": "recall"})


@pytest.mark.parametrize("text", ["{}", "[1]"])
def test_json_that_is_no_list_of_criteria_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a JSON list of criteria, got"):
        criteria_from_json(text)
