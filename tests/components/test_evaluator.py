"""A baseline that stands for no model is none to the Evaluator."""

from typing import Any

import pytest
from tfx.components.evaluator import executor
from tfx.types import standard_artifacts

from components.evaluator import Executor
from components.listed_models import list_models


@pytest.mark.parametrize(("uris", "expected"), [([], []), (["/b"], ["/b"]), (None, ["/a"])])
def test_the_baseline_is_what_stands_behind_it(
    uris: list[str] | None, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(executor.Executor, "Do", lambda self, *given: seen.append(given))
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
    monkeypatch.setattr(executor.Executor, "Do", lambda self, *given: seen.append(given))
    Executor().Do({}, {}, {})
    assert seen[0][0] == {"baseline_model": []}
