"""Epochs of a run reach the training, whoever does it."""

import json
from typing import Any

import pytest
from tfx.components.trainer import executor as local
from tfx.extensions.google_cloud_ai_platform.trainer import executor as vertex

from components.vertex_trainer import LocalExecutor, VertexExecutor

LEARNING = {"training": {"epochs": 120, "batch_size": 2}, "code_hash": "a", "ai_platform": {"b": 1}}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(LocalExecutor, local.GenericExecutor), (VertexExecutor, vertex.GenericExecutor)],
)
@pytest.mark.parametrize(("epochs", "expected"), [(5, 5), (None, 120)])
def test_epochs_of_the_run_take_the_place_of_those_compiled(
    ours: Any, theirs: Any, epochs: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(theirs, "Do", lambda self, inputs, outputs, given: seen.append(given))
    given = {"custom_config": json.dumps(LEARNING), "run_fn": "f"}
    ours().Do({}, {}, given if epochs is None else {**given, "epochs": epochs})
    (found,) = seen
    wanted = {**LEARNING, "training": {"epochs": expected, "batch_size": 2}}
    assert json.loads(found.pop("custom_config")) == wanted
    assert found == {"run_fn": "f"}
