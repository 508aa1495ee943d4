"""What runs in place of training jobs, endpoints and Dataflow."""

import json
from typing import Any

from pipeline.local_beam import LOCAL_BEAM_ARGS
from runner.emulation.counterparts import on_this_machine
from runner.emulation.parsing import parse_job
from tests.runner.emulation.made_jobs import made_job, task

DATAFLOW = ["--runner=DataflowRunner", "--project=P", "--temp_location=gs://b/tmp"]


def container(executor: str, *beam: str) -> dict[str, Any]:
    given = ["--executor_class_path", executor, "--json_serialized_invocation_args", "{{$}}"]
    return {"image": "i", "command": ["python", "-m", "m"], "args": [*given, *beam]}


def local(executor: dict[str, Any], **parameters: Any) -> Any:
    job = parse_job(made_job({"a": (task(parameters=parameters), executor)}))
    return on_this_machine(job, "/serving")


def test_training_runs_here_with_what_it_learns_by() -> None:
    config = {"training": {"epochs": 3}, "ai_platform_training_args": {"project": "P"}}
    config |= {"ai_platform_enable_vertex": True, "ai_platform_vertex_region": "r"}
    executor = container("components.vertex_trainer.VertexExecutor")
    got = local(executor, custom_config=json.dumps(config), run_fn="models.trainer.run_fn")
    (one,) = got.job.tasks
    assert one.executor["args"][1] == "components.vertex_trainer.LocalExecutor"
    assert json.loads(one.parameters["custom_config"]) == {"training": {"epochs": 3}}
    assert one.parameters["run_fn"] == "models.trainer.run_fn"
    assert got.words == {"a": "here in place of a Vertex custom job"}
    assert not got.beam


def test_a_model_is_pushed_to_a_folder() -> None:
    got = local(container("components.cloud_pusher.Executor"), custom_config="{}")
    (one,) = got.job.tasks
    assert one.executor["args"][1] == "components.pusher.Executor"
    assert {key: json.loads(value) for key, value in one.parameters.items()} == {
        "push_destination": {"filesystem": {"base_directory": "/serving"}}
    }
    assert got.words == {"a": "to a folder in place of a Vertex endpoint or a bucket"}


def test_beam_runs_here_and_what_is_not_beams_stays() -> None:
    executor = container("a.B", "--json_serialized_inputs_spec_args", "{}", *DATAFLOW)
    got = local(executor)
    (one,) = got.job.tasks
    assert one.executor["args"] == [
        *container("a.B", "--json_serialized_inputs_spec_args", "{}")["args"],
        *LOCAL_BEAM_ARGS,
    ]
    assert (got.words, got.beam) == ({}, True)


def test_what_is_of_no_cloud_stays_as_it_is() -> None:
    executor = container("a.B")
    (one,) = local(executor).job.tasks
    assert one.executor == executor
