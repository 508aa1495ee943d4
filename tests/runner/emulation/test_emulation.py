"""In which order tasks run, what stops them, and what they are given."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.emulation.parsing import parse_job
from runner.usage import UsageError
from tests.runner.emulation.made_jobs import MODEL, answers, made_job, python, run, states, task

NOTHING = python("pass")
FAILS = python("print('the reason', file=sys.stderr); sys.exit(3)")


def test_a_task_runs_after_those_whose_outputs_it_takes(tmp_path: Path) -> None:
    tasks = {
        "a": (task(artifacts={"model": "c.model"}), NOTHING),
        "b": (task("a"), NOTHING),
        "c": (task(), NOTHING),
        "d": (task(), NOTHING),
    }
    outcomes, begun = run(tmp_path, made_job(tasks, {"c": {"model": MODEL}}))
    assert set(states(outcomes).values()) == {"done"}
    assert begun == ["c", "d", "a", "b"]


def test_what_depends_on_a_failed_task_does_not_run_and_the_rest_does(tmp_path: Path) -> None:
    tasks = {
        "a": (task(), FAILS),
        "b": (task("a"), NOTHING),
        "c": (task("b"), NOTHING),
        "d": (task(), NOTHING),
    }
    outcomes, begun = run(tmp_path, made_job(tasks))
    assert states(outcomes) == {"a": "failed", "b": "not run", "c": "not run", "d": "done"}
    assert begun == ["a", "d"]
    assert outcomes["a"].reason == "it ended with exit status 3"
    assert (outcomes["b"].reason, outcomes["c"].reason) == ("a failed", "b did not run")
    assert (tmp_path / "logs" / "0" / "a.log").read_text() == "the reason\n"


def test_a_job_that_fails_fast_starts_nothing_more(tmp_path: Path) -> None:
    tasks = {"a": (task(), FAILS), "b": (task(), NOTHING)}
    policy = "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    outcomes, _ = run(tmp_path, made_job(tasks, failurePolicy=policy))
    assert states(outcomes) == {"a": "failed", "b": "not run"}
    assert outcomes["b"].reason == "a failed and the job fails fast"


def test_an_exit_task_runs_whatever_failed(tmp_path: Path) -> None:
    policy = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    tasks = {"a": (task(), FAILS), "b": (task("a", triggerPolicy=policy), NOTHING)}
    outcomes, _ = run(tmp_path, made_job(tasks))
    assert states(outcomes) == {"a": "failed", "b": "done"}


@pytest.mark.parametrize(("blessed", "expected"), [(1, "done"), (0, "skipped")])
def test_a_condition_decides_on_a_task_and_what_depends_on_it(
    tmp_path: Path, blessed: int, expected: str
) -> None:
    condition = "inputs.artifacts['verdict'].artifacts[0].metadata['blessed'] == 1.0"
    tasks = {
        "judge": (task(), python(answers("verdict", blessed=blessed))),
        "push": (
            task(artifacts={"verdict": "judge.verdict"}, triggerPolicy={"condition": condition}),
            NOTHING,
        ),
        "tell": (task("push"), NOTHING),
        "other": (task("judge"), NOTHING),
    }
    outcomes, _ = run(tmp_path, made_job(tasks, {"judge": {"verdict": MODEL}}))
    assert states(outcomes) == {
        "judge": "done",
        "other": "done",
        "push": expected,
        "tell": expected,
    }
    if expected == "skipped":
        assert outcomes["push"].reason == f"its condition does not hold: {condition}"
        assert outcomes["tell"].reason == "push was skipped"


def test_metadata_and_folders_are_carried_on(tmp_path: Path) -> None:
    seen = tmp_path / "seen.txt"
    makes = "open(given['outputs']['artifacts']['model']['artifacts'][0]['uri'] + '/x', 'w'); "
    reads = (
        "one = given['inputs']['artifacts']['model']['artifacts'][0]; "
        f"open({str(seen)!r}, 'w').write(json.dumps([one, os.listdir(one['uri'])]))"
    )
    tasks = {
        "a": (task(), python(makes + answers("model", patients=3, name="x"))),
        "b": (task(artifacts={"model": "a.model"}), python(reads)),
    }
    outcomes, _ = run(tmp_path, made_job(tasks, {"a": {"model": MODEL}}))
    assert states(outcomes) == {"a": "done", "b": "done"}
    artifact, files = json.loads(seen.read_text())
    assert artifact["metadata"] == {"patients": 3, "name": "x"}
    assert artifact["type"] == MODEL
    assert artifact["uri"] == str(tmp_path / "bucket" / "0" / "a" / "model")
    assert artifact["name"].endswith("artifacts/0/a.model")
    assert files == ["x"]


def test_parameters_are_wrapped_as_the_schema_has_them(tmp_path: Path) -> None:
    expected: dict[str, Any] = {
        "number": {"intValue": "3"},
        "share": {"doubleValue": 0.5},
        "text": {"stringValue": "x"},
        "given": {"intValue": "7"},
    }
    checks = f"assert given['inputs']['parameters'] == {expected}, given"
    parameters = {
        "number": 3,
        "share": 0.5,
        "text": "x",
        "given": {"componentInputParameter": "epochs"},
    }
    tasks = {"a": (task(parameters=parameters), python(checks))}
    content = made_job(tasks, parameters={"epochs": "INT"})
    content["runtimeConfig"]["parameters"] = {"epochs": {"intValue": "7"}}
    outcomes, _ = run(tmp_path, content)
    assert states(outcomes) == {"a": "done"}


def test_parameters_of_schema_2_1_are_plain(tmp_path: Path) -> None:
    checks = "assert given['inputs']['parameterValues'] == {'number': 3, 'given': 'x'}, given"
    parameters = {
        "number": {"runtimeValue": {"constant": 3}},
        "given": {"componentInputParameter": "word"},
    }
    content = made_job({"a": (task(parameters=parameters), python(checks))})
    content["pipelineSpec"]["schemaVersion"] = "2.1.0"
    declared = {"word": {"parameterType": "STRING", "defaultValue": "x"}}
    content["pipelineSpec"]["root"]["inputDefinitions"]["parameters"] = declared
    outcomes, _ = run(tmp_path, content)
    assert states(outcomes) == {"a": "done"}


def test_an_output_parameter_is_carried_on(tmp_path: Path) -> None:
    writes = "open(given['outputs']['parameters']['word']['outputFile'], 'w').write('hello')"
    checks = "assert given['inputs']['parameters'] == {'heard': {'stringValue': 'hello'}}, given"
    # TFX 1.16 names the producer with an ending.
    output = {"producerTask": "a_task", "outputParameterKey": "word"}
    tasks = {
        "a": (task(), python(writes)),
        "b": (task("a", parameters={"heard": {"taskOutputParameter": output}}), python(checks)),
    }
    content = made_job(tasks)
    component = content["pipelineSpec"]["components"]["a"]
    component["outputDefinitions"]["parameters"] = {"word": {"type": "STRING"}}
    outcomes, _ = run(tmp_path, content)
    assert states(outcomes) == {"a": "done", "b": "done"}


def test_an_output_parameter_that_is_not_written_fails_the_task(tmp_path: Path) -> None:
    content = made_job({"a": (task(), NOTHING)})
    component = content["pipelineSpec"]["components"]["a"]
    component["outputDefinitions"]["parameters"] = {"word": {"type": "STRING"}}
    outcomes, _ = run(tmp_path, content)
    assert outcomes["a"].reason.startswith("expected the output parameter word in ")


@pytest.mark.parametrize(
    ("executor", "reason"),
    [
        ({"command": ["/nowhere/at/all"]}, "it ended with exit status 127"),
        ({"command": [], "args": ["x"]}, "expected a command in the job, got none"),
        (python("open(given['outputs']['outputFile'], 'w').write('no')"), "expected JSON in "),
        (
            {"command": ["echo", "{{$.inputs.artifacts['model'].uri}}"]},
            "expected 'model' among what it takes, got none",
        ),
    ],
)
def test_what_fails_a_task(tmp_path: Path, executor: dict[str, Any], reason: str) -> None:
    outcomes, _ = run(tmp_path, made_job({"a": (task(), executor)}))
    assert outcomes["a"].state.value == "failed"
    assert reason in outcomes["a"].reason


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({"a": (task("b"), NOTHING), "b": (task("a"), NOTHING)}, "got a cycle of a, b"),
        ({"a": (task("x"), NOTHING)}, "a: expected a task of the job before it, got x"),
        ({"a": (task(), {"customJob": {}})}, "a: expected a container, an importer or a resolver"),
        ({"a": (task(parameters={"x": {}}), NOTHING)}, "expected a value or where it comes from"),
    ],
)
def test_jobs_that_can_not_be_run(tasks: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        parse_job(made_job(tasks))


def test_a_pipeline_within_a_task_is_refused() -> None:
    content = made_job({"a": (task(), NOTHING)})
    content["pipelineSpec"]["components"]["a"] = {"dag": {"tasks": {}}}
    with pytest.raises(UsageError, match="got a pipeline within one"):
        parse_job(content)


def test_an_input_of_the_job_itself_is_refused() -> None:
    content = made_job({"a": (task(), NOTHING)})
    inputs = content["pipelineSpec"]["root"]["dag"]["tasks"]["a"]["inputs"]
    inputs["artifacts"] = {"model": {"componentInputArtifact": "x"}}
    with pytest.raises(UsageError, match="a: expected model to come from a task, got"):
        parse_job(content)


def test_an_exit_task_without_the_parameter_of_a_failed_one_fails(tmp_path: Path) -> None:
    output = {"producerTask": "a", "outputParameterKey": "word"}
    policy = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    one = task(parameters={"heard": {"taskOutputParameter": output}}, triggerPolicy=policy)
    outcomes, _ = run(tmp_path, made_job({"a": (task(), FAILS), "b": (one, NOTHING)}))
    assert states(outcomes) == {"a": "failed", "b": "failed"}
    assert outcomes["b"].reason == "expected the parameter word of a, got none"
