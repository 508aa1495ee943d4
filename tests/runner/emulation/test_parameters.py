"""Runtime parameters, and jobs as files."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.emulation.job import local_paths, remote_parameters
from runner.emulation.job_file import pipeline_root, read_job
from runner.emulation.parameters import with_parameters
from runner.emulation.parsing import parse_job
from runner.usage import UsageError
from tests.runner.emulation.made_jobs import made_job, python, task

KINDS = {"epochs": "INT", "share": "DOUBLE", "root": "STRING"}


def job(**values: Any) -> Any:
    content = made_job({"a": (task(), python("pass"))}, parameters=KINDS)
    content["runtimeConfig"]["parameterValues"] = values
    return parse_job(content)


def test_values_are_of_the_declared_kind() -> None:
    given = {"epochs": "3", "share": "0.5", "root": "3"}
    assert with_parameters(job(), given).parameters == {"epochs": 3, "share": 0.5, "root": "3"}


def test_what_is_not_given_is_as_it_was_compiled() -> None:
    values = {"epochs": 2, "share": 0.1, "root": "x=y"}
    got = with_parameters(job(**values), {"epochs": "3"}).parameters
    assert got == {**values, "epochs": 3}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"epoch": "3"}, "--parameter epoch: expected one of the job's epochs, share, root"),
        ({"epochs": "0.5"}, "--parameter epochs=0.5: expected a whole number, got '0.5'"),
        ({"share": "much"}, "expected a value in JSON, got 'much'"),
        ({"share": "1"}, "expected --parameter for epochs, root, got none"),
    ],
)
def test_wrong_parameters(given: dict[str, str], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        with_parameters(job(), given)


def write(folder: Path, **parameters: Any) -> str:
    path = folder / "job.json"
    path.write_text(json.dumps(made_job({"a": (task(parameters=parameters), python("pass"))})))
    return str(path)


def test_places_in_buckets_become_folders_within_parameters_too(tmp_path: Path) -> None:
    request = json.dumps({"roots": [{"path": "gs://bucket/luna16"}]})
    path = write(tmp_path, request=request, base="gs://bucket/luna16", root="gs://bucket/root/x")
    got = read_job(path, {"gs://bucket/luna16": str(tmp_path), pipeline_root(path): "/out"})
    (one,) = got.tasks
    assert json.loads(one.parameters["request"])["roots"] == [{"path": str(tmp_path)}]
    assert (one.parameters["base"], one.parameters["root"]) == (str(tmp_path), "/out/x")
    assert local_paths(got) == (str(tmp_path),)
    assert remote_parameters(got) == ()


def test_what_is_left_in_a_bucket_is_named(tmp_path: Path) -> None:
    assert remote_parameters(read_job(write(tmp_path, base="gs://b/x"), {})) == ("a.base gs://b/x",)


def test_a_place_whose_name_only_begins_alike_is_another(tmp_path: Path) -> None:
    request = json.dumps({"roots": ["gs://b/luna", "gs://b-scans/luna"], "sums": "gs://b"})
    read = read_job(write(tmp_path, request=request, root="gs://b/root/x"), {"gs://b": "/here"})
    (one,) = read.tasks
    assert json.loads(one.parameters["request"]) == {
        "roots": ["/here/luna", "gs://b-scans/luna"],
        "sums": "/here",
    }
    assert one.parameters["root"] == "/here/root/x"
    assert remote_parameters(read) == ("a.request gs://b-scans/luna",)


def test_places_within_json_are_named_but_those_that_are_only_shown(tmp_path: Path) -> None:
    shown = json.dumps({"data": {"checksums": "gs://b/sums"}, "vertex": {"root": "gs://b/x"}})
    read = read_job(write(tmp_path, configuration=shown, words="{no JSON gs://b}"), {})
    assert remote_parameters(read) == ("a.configuration gs://b/sums",)


def test_runtime_parameters_may_name_places_too(tmp_path: Path) -> None:
    values = {"epochs": 1, "share": 0.5}
    assert remote_parameters(job(**values, root="gs://b/x")) == ("root gs://b/x",)
    assert local_paths(job(**values, root=str(tmp_path))) == (str(tmp_path),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", "expected a compiled PipelineJob in JSON"),
        ("[]", "got no pipelineSpec"),
        ('{"pipelineSpec": {}}', "expected a compiled PipelineJob, got KeyError"),
        ('{"pipelineSpec": {"root": 3}}', "expected a compiled PipelineJob, got AttributeError"),
        (None, "No such file"),
    ],
)
def test_what_is_no_job(tmp_path: Path, text: str | None, expected: str) -> None:
    path = tmp_path / "job.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=expected):
        read_job(str(path), {})


def test_a_job_must_say_where_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"pipelineSpec": {}}')
    with pytest.raises(UsageError, match="expected runtimeConfig.gcsOutputDirectory, got none"):
        pipeline_root(str(path))
