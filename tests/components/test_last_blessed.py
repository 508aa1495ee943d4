"""The baseline is the last blessed model that is not the candidate."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from tfx.components.evaluator import constants
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.last_blessed import LastBlessedOtherModel
from lungct.grid import Grid
from schema.files import INPUT_FILE


def model(number: int, folder: Path | None = None, content: str = "") -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.id = number
    if folder is not None:
        artifact.uri = str(folder / str(number))
        path = Path(path_utils.serving_model_path(artifact.uri)) / INPUT_FILE
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return artifact


def blessing(model_id: int, blessed: bool) -> standard_artifacts.ModelBlessing:
    artifact = standard_artifacts.ModelBlessing()
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model_id)
    return artifact


def resolve(models: list[int], verdicts: dict[int, bool], candidate: int) -> list[int]:
    resolved = LastBlessedOtherModel().resolve_artifacts(
        None,
        {
            "model": [model(number) for number in models],
            "model_blessing": [blessing(number, ok) for number, ok in verdicts.items()],
            "candidate": [model(candidate)],
        },
    )
    assert len(resolved["model_blessing"]) == len(resolved["model"])
    return [artifact.id for artifact in resolved["model"]]


def test_nothing_blessed_yet() -> None:
    assert resolve([1], {}, candidate=1) == []
    assert resolve([1, 2], {1: False}, candidate=2) == []


def test_the_candidate_is_not_its_own_baseline() -> None:
    assert resolve([1], {1: True}, candidate=1) == []


def test_the_last_of_several() -> None:
    assert resolve([3, 1, 2, 4], {1: True, 2: True, 3: False}, candidate=4) == [2]


def test_an_older_candidate_from_the_cache() -> None:
    assert resolve([1, 2], {1: True, 2: True}, candidate=2) == [1]


def test_a_model_of_another_working_grid_is_passed_over(tmp_path: Path) -> None:
    grid = Grid((3.0, 2.0, 1.0), slice_size=192)
    others = [grid, replace(grid, context=2), replace(grid, spacing_mm=(3.0, 1.0, 1.0))]
    models = [model(number, tmp_path, takes(one)) for number, one in enumerate(others, start=1)]
    # As it was written before grids were: it can't be told whether examples fit.
    models.append(model(4, tmp_path, '{"slice_size": 192, "channels": 3}'))
    models.append(model(6, tmp_path, '{"grid": {"spacing_mm": [0, 2, 1], "slice_size": 192}}'))
    resolved = LastBlessedOtherModel().resolve_artifacts(
        None,
        {
            "model": models,
            "model_blessing": [blessing(number, True) for number in (1, 2, 3, 4, 6)],
            "candidate": [model(5, tmp_path, takes(grid, split="another"))],
        },
    )
    assert [artifact.id for artifact in resolved["model"]] == [1]


def test_what_a_grid_leaves_out_is_the_default(tmp_path: Path) -> None:
    short = '{"grid": {"spacing_mm": [3.0, 2.0, 1.0], "slice_size": 192}}'
    resolved = LastBlessedOtherModel().resolve_artifacts(
        None,
        {
            "model": [model(1, tmp_path, short)],
            "model_blessing": [blessing(1, True)],
            "candidate": [model(2, tmp_path, takes(Grid((3.0, 2.0, 1.0), 192)))],
        },
    )
    assert [artifact.id for artifact in resolved["model"]] == [1]


def takes(grid: Grid, split: str = "any") -> str:
    """What is written beside a model of a working grid."""
    return json.dumps({"split": {"salt": split}, "grid": asdict(grid)})
