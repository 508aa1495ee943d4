"""Values of a run take the places of those that were compiled."""

import json
from typing import Any

import pytest

from pipeline.gate import CriterionConfig
from schema.criteria import Criterion, criteria_from_json
from schema.run_parameters import (
    bounds_json,
    named_criteria_json,
    read_bounds,
    read_switch,
    replaced_criteria,
    with_data_root,
    with_epochs,
    with_run_parameters,
)

GATE = {
    "dice": CriterionConfig(metric="pooled_dice", at_least=0.7).criterion(),
    "gap": CriterionConfig(metric="pooled_dice", at_most=0.1, kind="gap").criterion(),
}
CONFIGURATION: dict[str, Any] = {
    "name": "a",
    "training": {"epochs": 10, "batch_size": 2},
    "data": {"roots": [{"path": "gs://a/b", "layout": "msd"}], "seed": 1},
    "gate": {
        "dice": {"at_least": 0.7, "at_most": None, "metric": "pooled_dice"},
        "gap": {"at_least": None, "at_most": 0.1, "metric": "pooled_dice"},
    },
}


def test_criteria_with_names_are_criteria() -> None:
    assert criteria_from_json(named_criteria_json(GATE)) == tuple(GATE.values())
    assert read_bounds(bounds_json(GATE)) == {"dice": 0.7, "gap": 0.1}


def test_a_bound_that_is_given_takes_the_place_of_its_own_alone() -> None:
    found = replaced_criteria(named_criteria_json(GATE), '{"gap": 0.3}')
    assert {one.bound for one in found} == {0.7, 0.1}
    assert found[GATE["dice"]] == GATE["dice"]
    changed = found[GATE["gap"]]
    assert changed.bound == 0.3
    assert Criterion.from_json({**changed.to_json(), "bound": 0.1}) == GATE["gap"]


@pytest.mark.parametrize("text", ["0.5", "[]", "{", '{"a": "b"}', '{"a": true}', '{"a": NaN}', ""])
def test_bounds_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected gate_bounds as a JSON object of numbers by na"):
        read_bounds(text)


def test_a_bound_of_no_criterion_is_refused() -> None:
    with pytest.raises(ValueError, match="expected gate_bounds of dice, gap, got a, b"):
        replaced_criteria(named_criteria_json(GATE), '{"b": 1, "dice": 1, "a": 2}')


def test_switches() -> None:
    assert read_switch("true") and not read_switch("false")
    for text in ("True", "1", "", "no"):
        with pytest.raises(ValueError, match=f"expected push to be true or false, got '{text}'"):
            read_switch(text)


def test_epochs() -> None:
    assert with_epochs(CONFIGURATION, 3)["training"] == {"epochs": 3, "batch_size": 2}
    assert with_epochs(CONFIGURATION, None) == CONFIGURATION
    assert CONFIGURATION["training"]["epochs"] == 10


def test_the_data_root_keeps_what_is_said_of_it() -> None:
    found = with_data_root(CONFIGURATION["data"], "gs://c")
    assert found == {"roots": [{"path": "gs://c", "layout": "msd"}], "seed": 1}
    assert with_data_root({"roots": []}, None) == {"roots": []}
    for count in (0, 2):
        with pytest.raises(ValueError, match=f"one data root for data_root gs://c, got {count}"):
            with_data_root({"roots": [{"path": "gs://a"}] * count}, "gs://c")


def test_a_report_shows_the_values_of_the_run() -> None:
    run = {"epochs": 3, "data_root": "gs://c", "gate_bounds": '{"gap": 0.2}', "other": 1}
    found = with_run_parameters(CONFIGURATION, run)
    assert found["training"]["epochs"] == 3
    assert found["data"]["roots"][0]["path"] == "gs://c"
    assert found["gate"]["gap"]["at_most"] == 0.2 and found["gate"]["gap"]["at_least"] is None
    assert found["gate"]["dice"] == CONFIGURATION["gate"]["dice"]
    assert with_run_parameters(CONFIGURATION, {}) == CONFIGURATION
    assert json.dumps(CONFIGURATION["gate"]["gap"]) in json.dumps(CONFIGURATION)
