"""When the outputs of an earlier run stand for those of a task."""

from pathlib import Path
from typing import Any

import pytest

from runner.emulation.store import EXECUTIONS_FILE, Store
from runner.usage import UsageError
from tests.runner.emulation.made_jobs import MODEL, answers, made_job, python, run, states, task

CACHED = {"cachingOptions": {"enableCache": True}}


def chain(epochs: int = 3, line: str = "pass") -> dict[str, Any]:
    """A job in which `b` takes the model of `a`."""
    tasks = {
        "a": (task(parameters={"epochs": epochs}, **CACHED), python(answers("model", n=1))),
        "b": (task(artifacts={"model": "a.model"}, **CACHED), python(line)),
    }
    return made_job(tasks, {"a": {"model": MODEL}, "b": {"rows": MODEL}})


def test_nothing_changed_comes_from_the_cache(tmp_path: Path) -> None:
    first, _ = run(tmp_path, chain())
    second, _ = run(tmp_path, chain())
    assert states(first) == {"a": "done", "b": "done"}
    assert states(second) == {"a": "cached", "b": "cached"}
    assert second["a"].execution == first["a"].execution


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (chain(epochs=4), {"a": "done", "b": "done"}),
        (chain(line="print()"), {"a": "cached", "b": "done"}),
    ],
)
def test_a_changed_task_and_what_takes_its_outputs_run_again(
    tmp_path: Path, changed: dict[str, Any], expected: dict[str, str]
) -> None:
    run(tmp_path, chain())
    assert states(run(tmp_path, changed)[0]) == expected


def test_a_task_without_a_cache_runs_again(tmp_path: Path) -> None:
    content = made_job({"a": (task(), python("pass"))})
    run(tmp_path, content)
    assert states(run(tmp_path, content)[0]) == {"a": "done"}


def test_a_failed_task_runs_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    line = f"sys.exit(0 if os.path.exists({str(flag)!r}) else 1)"
    content = made_job({"a": (task(**CACHED), python(line))})
    assert states(run(tmp_path, content)[0]) == {"a": "failed"}
    flag.touch()
    assert states(run(tmp_path, content)[0]) == {"a": "done"}


def with_driver(data: Path) -> dict[str, Any]:
    """A job whose driver looks at a file, and whose task must be told what it found."""
    driver = python(
        f"answer = {{'parameterValues': {{'seen': open({str(data)!r}).read()}},"
        " 'artifacts': {'examples': {'artifacts': [{'metadata': {'span': 4}}]}}}"
    )
    checks = (
        f"assert given['inputs']['parameters']['seen']['stringValue'] == open({str(data)!r}).read()"
        "; (one,) = given['outputs']['artifacts']['examples']['artifacts']"
        "; assert one['metadata']['span'] == 4"
    )
    executor = {**python(checks), "lifecycle": {"preCacheCheck": driver}}
    return made_job({"a": (task(**CACHED), executor)}, {"a": {"examples": MODEL}})


def test_what_a_driver_finds_decides_on_the_cache_and_is_passed_on(tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("one")
    got = []
    for text in ("one", "one", "two"):
        data.write_text(text)
        got.append(states(run(tmp_path, with_driver(data))[0])["a"])
    assert got == ["done", "cached", "done"]


def test_a_driver_that_fails_fails_its_task(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, with_driver(tmp_path / "nowhere"))
    assert outcomes["a"].reason == "its driver ended with exit status 1"


@pytest.mark.parametrize("broken", ['{"task": "b", "finge', "[]", '{"task": "b"}'])
def test_a_line_that_is_no_execution_is_named(tmp_path: Path, broken: str) -> None:
    run(tmp_path, chain())
    with (tmp_path / EXECUTIONS_FILE).open("a") as file:
        file.write(broken)
    with pytest.raises(UsageError, match=rf"{EXECUTIONS_FILE}, line 3: expected an execution"):
        Store(str(tmp_path))
