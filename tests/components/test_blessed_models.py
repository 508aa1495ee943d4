"""The record of the blessed models of a pipeline, and who writes it."""

from pathlib import Path

import pytest
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.blessed_models import read_blessed, record_blessed
from components.blessing_record import Executor


def test_the_last_blessed_comes_first(tmp_path: Path) -> None:
    folder = str(tmp_path / "blessed")
    for model in ("/b", "/a", "/c"):
        record_blessed(folder, model)
    assert read_blessed(folder) == ["/c", "/a", "/b"]


def test_a_model_blessed_again_stays_where_it_was(tmp_path: Path) -> None:
    folder = str(tmp_path / "blessed")
    for model in ("/a", "/b", "/a"):
        record_blessed(folder, model)
    assert read_blessed(folder) == ["/b", "/a"]


def test_without_a_record_nothing_is_blessed(tmp_path: Path) -> None:
    assert read_blessed(str(tmp_path / "none")) == []


@pytest.mark.parametrize("text", ["", "[]", '{"model": "/a"}'])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="expected a blessed model in .*x.json, got"):
        read_blessed(str(tmp_path))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    record_blessed(str(tmp_path), "/a")
    (tmp_path / "note.txt").write_text("x")
    assert read_blessed(str(tmp_path)) == ["/a"]


@pytest.mark.parametrize(("blessed", "expected"), [(1, ["/model"]), (0, [])])
def test_only_what_was_blessed_is_recorded(
    tmp_path: Path, blessed: int, expected: list[str]
) -> None:
    model, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
    model.uri = "/model"
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, blessed)
    inputs = {"model": [model], "blessing": [blessing]}
    Executor().Do(inputs, {}, {"folder": str(tmp_path / "record")})
    assert read_blessed(str(tmp_path / "record")) == expected
