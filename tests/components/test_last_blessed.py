"""The baseline is the last blessed model that is not the candidate."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.blessed_models import record_blessed
from components.last_blessed import Executor, LastBlessedOtherModel
from components.listed_models import listed_models
from lungct import progress
from lungct.grid import Grid
from schema.files import MODEL_FILE
from schema.model_facts import DataFacts, ModelFacts, patient_hash

GRID = Grid((3.0, 2.0, 1.0))


def facts(grid: Grid, code: str = "any", data: DataFacts | None = None) -> str:
    return ModelFacts(grid, (-1000, 400), 0.5, 8, data or DataFacts(), code_hash=code).to_json()


def model(number: int, folder: Path, content: str | None) -> standard_artifacts.Model:
    """A model and what lies beside it."""
    artifact = standard_artifacts.Model()
    artifact.id = number
    artifact.uri = str(folder / str(number))
    path = Path(path_utils.serving_model_path(artifact.uri)) / MODEL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_text(content)
    return artifact


def blessing(model_id: int, blessed: bool) -> standard_artifacts.ModelBlessing:
    artifact = standard_artifacts.ModelBlessing()
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model_id)
    return artifact


def resolve(
    folder: Path, models: dict[int, str | None], verdicts: dict[int, bool], candidate: int
) -> list[int]:
    """Ids of what is resolved among models with such facts."""
    resolved = resolve_all(folder, models, verdicts, candidate)
    assert len(resolved["model_blessing"]) == len(resolved["model"])
    return [artifact.id for artifact in resolved["model"]]


def resolve_all(
    folder: Path, models: dict[int, str | None], verdicts: dict[int, bool], candidate: int
) -> dict[str, list[Any]]:
    """All that is resolved among models with such facts."""
    made = {number: model(number, folder, content) for number, content in models.items()}
    resolved: dict[str, list[Any]] = LastBlessedOtherModel().resolve_artifacts(
        None,
        {
            "model": list(made.values()),
            "passed_over": list(made.values()),
            "model_blessing": [blessing(number, ok) for number, ok in verdicts.items()],
            "candidate": [made[candidate]],
        },
    )
    return resolved


@pytest.mark.parametrize(
    ("models", "verdicts", "expected"),
    [
        ([1], {}, []),  # nothing blessed yet
        ([2, 1], {2: False}, []),
        ([1], {1: True}, []),  # the candidate is not its own baseline
        ([4, 2, 3, 1], {2: True, 3: True, 4: False}, [3]),  # the last of several
        ([1, 2], {1: True, 2: True}, [2]),  # an older candidate, from the cache
    ],
)
def test_which_of_several(
    tmp_path: Path, models: list[int], verdicts: dict[int, bool], expected: list[int]
) -> None:
    assert resolve(tmp_path, dict.fromkeys(models, facts(GRID)), verdicts, 1) == expected


def test_a_model_of_another_spacing_is_passed_over(tmp_path: Path) -> None:
    other = facts(replace(GRID, spacing_mm=(3.0, 1.0, 1.0)))
    models = {1: facts(GRID), 2: facts(GRID), 3: other}
    assert resolve(tmp_path, models, {2: True, 3: True}, 1) == [2]


def test_models_blessed_after_the_last_comparable_one_are_passed_over(tmp_path: Path) -> None:
    other = facts(replace(GRID, spacing_mm=(3.0, 1.0, 1.0)))
    models = {1: facts(GRID), 2: other, 3: facts(GRID), 4: other, 5: other, 6: other}
    verdicts = {2: True, 3: True, 4: True, 5: False, 6: True}
    resolved = resolve_all(tmp_path, models, verdicts, 1)
    assert [artifact.id for artifact in resolved["model"]] == [3]
    assert [artifact.id for artifact in resolved["passed_over"]] == [6, 4]


def test_a_model_of_another_context_is_compared_with(tmp_path: Path) -> None:
    models = {1: facts(GRID), 2: facts(replace(GRID, context=2, margin_mm=9.0), code="other")}
    assert resolve(tmp_path, models, {2: True}, 1) == [2]


@pytest.mark.parametrize("content", [None, "no JSON", "{}", '{"grid": {"spacing_mm": [0, 2, 1]}}'])
def test_a_model_that_does_not_say_is_passed_over(tmp_path: Path, content: str | None) -> None:
    # Not even a candidate that says as little is compared with it.
    for ours in (facts(GRID), content):
        assert resolve(tmp_path / str(ours)[:3], {1: ours, 2: content}, {2: True}, 1) == []


OURS = DataFacts(
    truths=("spheres",),
    regions=("lung",),
    patients={"train": (patient_hash("a"),), "eval": (patient_hash("b"), patient_hash("c"))},
)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"truths": ("label masks",)}, "expected truth spheres, got label masks"),
        ({"regions": ("volume",)}, "expected region lung, got volume"),
        ({"patients": {}}, "expected the patients of its training in model.json, got none"),
        (
            {"patients": {"train": (patient_hash("c"), patient_hash("d"))}},
            "expected a model that has not seen today's eval patients, got 1 in its training",
        ),
    ],
)
def test_a_model_that_can_not_be_compared_is_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changed: dict[str, Any], reason: str
) -> None:
    models = {
        1: facts(GRID, data=OURS),
        2: facts(GRID, data=replace(OURS, patients={"train": (patient_hash("a"),)})),
        3: facts(GRID, data=replace(OURS, **changed)),
    }
    with caplog.at_level(logging.INFO, progress.LOGGER_NAME):
        assert resolve(tmp_path, models, {2: True, 3: True}, 1) == [2]
    folder = path_utils.serving_model_path(str(tmp_path / "3"))
    assert caplog.messages == [f"not compared with the blessed model in {folder}: {reason}"]


def picked(folder: Path, blessed: list[int], candidate: int, **contents: str) -> dict[str, Any]:
    """What the component gives, of models recorded as blessed in this order."""
    models = {
        number: model(number, folder, contents.get(f"m{number}", facts(GRID)))
        for number in {*blessed, candidate}
    }
    record = str(folder / "record")
    for number in blessed:
        record_blessed(record, models[number].uri)
    outputs = {key: [standard_artifacts.Model()] for key in ("model", "passed_over")}
    Executor().Do({"candidate": [models[candidate]]}, outputs, {"folder": record})
    return {
        key: [int(Path(one.uri).name) for one in listed_models(many)]
        for key, many in outputs.items()
    }


@pytest.mark.parametrize(
    ("blessed", "candidate", "expected"),
    [
        ([], 1, []),
        ([1], 1, []),  # the candidate is not its own baseline
        ([2, 3], 1, [3]),  # the last of several
        ([2, 1], 1, [2]),
    ],
)
def test_a_container_picks_by_the_record_as_a_resolver_by_metadata(
    tmp_path: Path, blessed: list[int], candidate: int, expected: list[int]
) -> None:
    assert picked(tmp_path, blessed, candidate) == {"model": expected, "passed_over": []}


def test_a_container_passes_over_what_can_not_be_compared(tmp_path: Path) -> None:
    other = facts(replace(GRID, spacing_mm=(3.0, 1.0, 1.0)))
    got = picked(tmp_path, [2, 3, 4, 5], 1, m2=other, m4=other, m5=other)
    assert got == {"model": [3], "passed_over": [5, 4]}
