"""Our drivers in a compiled job."""

from typing import Any

import pytest

from pipeline.container_drivers import DRIVERS, run_without_cache, use_own_drivers


def spec(*more: str, without: str = "") -> dict[str, Any]:
    """A specification of our components, and TFX's hook in one of them."""
    executors: dict[str, Any] = {"x": {"resolver": {}}, "y": {"container": {"args": ["z"]}}}
    for name in set(DRIVERS) - {without}:
        args = ["--executor_class_path", name, "--json_serialized_invocation_args", "{{$}}", *more]
        executors[name] = {"container": {"command": ["python"], "args": [*args, "--runner=X"]}}
        executors[name]["container"]["lifecycle"] = {"preCacheCheck": {"command": ["theirs"]}}
    cached = {"cachingOptions": {"enableCache": True}}
    tasks = {name: {"componentRef": {"name": name}, **cached} for name in executors}
    components = {name: {"executorLabel": name} for name in executors}
    return {
        "deploymentSpec": {"executors": executors},
        "components": components,
        "root": {"dag": {"tasks": tasks}},
    }


@pytest.mark.parametrize("more", [(), ("--json_serialized_inputs_spec_args", "{}")])
def test_our_driver_takes_the_place_of_any(more: tuple[str, ...]) -> None:
    content = spec(*more)
    use_own_drivers(content)
    executors = content["deploymentSpec"]["executors"]
    for name, module in DRIVERS.items():
        assert executors[name]["container"]["lifecycle"]["preCacheCheck"] == {
            "command": ["python", "-m", module],
            "args": ["--json_serialized_invocation_args", "{{$}}", *more],
        }
    assert "lifecycle" not in executors["y"]["container"]


def test_a_component_that_is_not_there_is_told() -> None:
    name = "components.last_blessed.Executor"
    with pytest.raises(ValueError, match=f"expected tasks of {name}, got none"):
        use_own_drivers(spec(without=name))


def test_where_no_hook_is_run_they_have_no_cache() -> None:
    content = spec()
    run_without_cache(content)
    tasks = content["root"]["dag"]["tasks"]
    assert {name for name, task in tasks.items() if "cachingOptions" not in task} == set(DRIVERS)
