"""Bounds of a run reach what TFMA is asked; a baseline that stands for no model is none to it."""

from typing import Any

import pytest
from google.protobuf import json_format
from tfx.components.evaluator import executor as tfx_executor
from tfx.types import standard_artifacts

from components.evaluator import Executor, with_criteria
from components.listed_models import list_models
from pipeline.eval_config import Drawing, eval_config
from pipeline.gate import CriterionConfig
from schema.criteria import Criterion
from schema.run_parameters import named_criteria_json, replaced_criteria

DRAWING = Drawing(10, "hash")


def gate(dice: float) -> dict[str, Criterion]:
    return {
        "dice": CriterionConfig(metric="pooled_dice", at_least=dice).criterion(),
        "gap": CriterionConfig(metric="pooled_dice", at_most=0.1, kind="gap").criterion(),
    }


def asked(dice: float) -> Any:
    return eval_config(tuple(gate(dice).values()), DRAWING)


def test_what_is_asked_is_what_a_gate_with_these_bounds_asks() -> None:
    text = json_format.MessageToJson(asked(0.7))
    criteria = replaced_criteria(named_criteria_json(gate(0.7)), '{"dice": 0.5}')
    changed = with_criteria(text, criteria)
    assert json_format.Parse(changed, type(asked(0.5))()) == asked(0.5)
    assert asked(0.5) != asked(0.7)


def test_the_executor_judges_by_the_bounds_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(
        tfx_executor.Executor, "Do", lambda self, inputs, outputs, given: seen.append(given)
    )
    text = json_format.MessageToJson(asked(0.7))
    named = named_criteria_json(gate(0.7))
    Executor().Do({}, {}, {"eval_config": text, "gate": named, "gate_bounds": '{"dice": 0.5}'})
    Executor().Do({}, {}, {"eval_config": text})
    Executor().Do({}, {}, {"eval_config": text, "gate": named, "gate_bounds": "{}"})
    found = [json_format.Parse(one["eval_config"], type(asked(0.5))()) for one in seen]
    assert found == [asked(0.5), asked(0.7), asked(0.7)]
    assert all(set(one) == {"eval_config"} for one in seen)


def test_bounds_of_no_criterion_are_refused() -> None:
    given = {"eval_config": "{}", "gate": named_criteria_json(gate(0.7)), "gate_bounds": '{"x": 1}'}
    with pytest.raises(ValueError, match="expected gate_bounds of dice, gap, got x"):
        Executor().Do({}, {}, given)


@pytest.mark.parametrize(("uris", "expected"), [([], []), (["/b"], ["/b"]), (None, ["/a"])])
def test_the_baseline_is_what_stands_behind_it(
    uris: list[str] | None, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(tfx_executor.Executor, "Do", lambda self, *given: seen.append(given))
    baseline = standard_artifacts.Model()
    baseline.uri = "/a"
    if uris is not None:
        list_models(baseline, uris)
    inputs = {"baseline_model": [baseline], "model": [standard_artifacts.Model()]}
    Executor().Do(inputs, {"out": []}, {"p": 1})
    ((given, outputs, properties),) = seen
    assert [one.uri for one in given["baseline_model"]] == expected
    assert given["model"] is inputs["model"]
    assert (outputs, properties) == ({"out": []}, {"p": 1})


def test_no_baseline_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(tfx_executor.Executor, "Do", lambda self, *given: seen.append(given))
    Executor().Do({}, {}, {})
    assert seen[0][0] == {"baseline_model": []}
