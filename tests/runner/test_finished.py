"""A finished run is read from its folder, wherever that is now."""

import json
import shutil
from pathlib import Path

import pytest

from runner.finished import read_finished
from runner.usage import UsageError
from schema import outputs
from tests.runner.made_finished import slice_row, write_finished


def test_artifacts_are_found_where_the_folder_was_moved(tmp_path: Path) -> None:
    write_finished(tmp_path / "before", [slice_row("p", 9)])
    shutil.move(tmp_path / "before", tmp_path / "after")
    run = read_finished(str(tmp_path / "after"))
    assert run.artifact(outputs.ROWS) == str(tmp_path / "after/artifacts/SegmentScans/rows/8")
    assert run.has(outputs.ROWS) and not run.has(outputs.REPORT)


def test_what_lies_elsewhere_stays_there(tmp_path: Path) -> None:
    run = read_finished(str(write_finished(tmp_path, [])))
    assert run.moved("/models/7") == "/models/7"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "run.json: No such file or directory"),
        ("{", "run.json is no record of a run"),
        ("[]", "run.json is no record of a run"),
        ("{}", "run.json is no record of a run"),
        ('{"exit_status": 4, "error": "no scans"}', "it ended early: no scans"),
        (
            '{"exit_status": 0, "version": 3}',
            "expected a version from 1 to 2, got 3 in run.json",
        ),
    ],
)
def test_what_is_no_finished_run(content: str | None, expected: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError, match="output folder of a finished run") as refusal:
        read_finished(str(tmp_path))
    assert str(refusal.value).endswith(expected)


def test_a_run_before_versions_is_read(tmp_path: Path) -> None:
    folder = write_finished(tmp_path, [slice_row("p", 9)])
    assert "version" not in json.loads((folder / "run.json").read_text())
    assert read_finished(str(folder)).has(outputs.ROWS)
    assert read_finished(str(write_finished(tmp_path, [], version=2))).record["version"] == 2


def test_an_artifact_that_is_not_there(tmp_path: Path) -> None:
    run = read_finished(str(write_finished(tmp_path, [])))
    with pytest.raises(UsageError, match=r"expected a run with ReportGen\.report, got none in"):
        run.artifact(outputs.REPORT)
    shutil.rmtree(tmp_path / "artifacts")
    with pytest.raises(UsageError, match=r"expected SegmentScans\.rows of .*, got no folder"):
        run.artifact(outputs.ROWS)


def test_a_run_of_an_earlier_version_has_no_artifacts(tmp_path: Path) -> None:
    folder = write_finished(tmp_path, [])
    record = json.loads((folder / "run.json").read_text())
    del record["outputs"]
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"expected a run with SegmentScans\.rows, got none"):
        read_finished(str(folder)).artifact(outputs.ROWS)
