"""Our drivers in a compiled job, where TFX's compiler knows only its own or none."""

from typing import Any, Final

_EXECUTOR: Final = "--executor_class_path"
_SPEC: Final = "--json_serialized_inputs_spec_args"
# The module that is run before the cache is looked into, by the executor that it is for.
DRIVERS: Final = {
    "components.ct_example_gen.executor.Executor": "components.ct_example_gen.container_driver",
    "components.last_blessed.Executor": "components.last_blessed_driver",
}


def use_own_drivers(spec: dict[str, Any]) -> None:
    """Puts our drivers into a pipeline specification, as hooks of their containers.

    Args:
        spec: The `pipelineSpec` of a compiled job; changed.

    Raises:
        ValueError: A component that needs its driver is not there.
    """
    for label, name in _with_drivers(spec).items():
        container = spec["deploymentSpec"]["executors"][label]["container"]
        container["lifecycle"] = {"preCacheCheck": _hook(DRIVERS[name], container["args"])}


def run_without_cache(spec: dict[str, Any]) -> None:
    """Has the tasks that need a driver run always, for a platform that runs no hooks.

    Kubeflow Pipelines reads the same specification and leaves hooks out.

    Args:
        spec: The `pipelineSpec` of a compiled job; changed.

    Raises:
        ValueError: A component that needs its driver is not there.
    """
    labels = _with_drivers(spec)
    for task in spec["root"]["dag"]["tasks"].values():
        component = spec["components"][task["componentRef"]["name"]]
        if component.get("executorLabel") in labels:
            task.pop("cachingOptions", None)


def _with_drivers(spec: dict[str, Any]) -> dict[str, str]:
    """The executor classes that need a driver, by the labels of their executors."""
    found = {}
    for label, executor in spec["deploymentSpec"]["executors"].items():
        args = executor.get("container", {}).get("args", [])
        name = args[args.index(_EXECUTOR) + 1] if _EXECUTOR in args else ""
        if name in DRIVERS:
            found[label] = name
    if missing := set(DRIVERS) - set(found.values()):
        raise ValueError(f"expected tasks of {', '.join(sorted(missing))}, got none")
    return found


def _hook(module: str, args: list[str]) -> dict[str, Any]:
    given = ["--json_serialized_invocation_args", "{{$}}"]
    if _SPEC in args:
        given += [_SPEC, args[args.index(_SPEC) + 1]]
    return {"command": ["python", "-m", module], "args": given}
