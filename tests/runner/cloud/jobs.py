"""Parts of a compiled job."""

from typing import Any


def tasks_of(job: dict[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Any] = job["pipelineSpec"]["root"]["dag"]["tasks"]
    return tasks


def constant(job: dict[str, Any], task: str, name: str) -> str:
    value = tasks_of(job)[task]["inputs"]["parameters"][name]["runtimeValue"]["constantValue"]
    return str(value["stringValue"])


def containers(job: dict[str, Any]) -> dict[str, Any]:
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    return {
        name.removesuffix("_executor"): one["container"]
        for name, one in executors.items()
        if "container" in one
    }
