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
    missing = set(DRIVERS)
    for executor in spec["deploymentSpec"]["executors"].values():
        args = executor.get("container", {}).get("args", [])
        name = args[args.index(_EXECUTOR) + 1] if _EXECUTOR in args else ""
        if name in DRIVERS:
            missing.discard(name)
            executor["container"]["lifecycle"] = {"preCacheCheck": _hook(DRIVERS[name], args)}
    if missing:
        raise ValueError(f"expected tasks of {', '.join(sorted(missing))}, got none")


def _hook(module: str, args: list[str]) -> dict[str, Any]:
    given = ["--json_serialized_invocation_args", "{{$}}"]
    if _SPEC in args:
        given += [_SPEC, args[args.index(_SPEC) + 1]]
    return {"command": ["python", "-m", module], "args": given}
