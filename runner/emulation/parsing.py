"""From the JSON of a compiled job to its tasks, in an order in which they can run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from runner.emulation.job import CONTAINER, IMPORTER, RESOLVER, Job, JobParameter, Source, Task
from runner.usage import UsageError

_ALWAYS: Final = "ALL_UPSTREAM_TASKS_COMPLETED"
_FAIL_FAST: Final = "PIPELINE_FAILURE_POLICY_FAIL_FAST"
# TFX 1.16 names the producer of a parameter so.
_PRODUCER_SUFFIX: Final = "_task"


def parse_job(content: Mapping[str, Any]) -> Job:
    """Makes a job of its JSON.

    Args:
        content: A PipelineJob with `pipelineSpec` and `runtimeConfig`.

    Raises:
        UsageError: A task is a pipeline of its own, names an unknown task, or waits for itself.
        KeyError: Something is missing.
    """
    spec = content["pipelineSpec"]
    runtime = content.get("runtimeConfig", {})
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    kinds = {name: _kind_of_parameter(one) for name, one in declared.items()}
    given = {name: constant(value) for name, value in runtime.get("parameters", {}).items()}
    given |= runtime.get("parameterValues", {})
    defaults = {name: one.get("defaultValue") for name, one in declared.items()}
    tasks = spec["root"]["dag"]["tasks"]
    return Job(
        name=spec["pipelineInfo"]["name"],
        tasks=_ordered([_task(name, one, spec) for name, one in tasks.items()]),
        parameters={name: given.get(name, default) for name, default in defaults.items()},
        integers=frozenset(name for name, kind in kinds.items() if "INT" in kind),
        texts=frozenset(name for name, kind in kinds.items() if kind == "STRING"),
        legacy=spec.get("schemaVersion", "2.0.0").startswith("2.0"),
        fails_fast=runtime.get("failurePolicy") == _FAIL_FAST,
    )


def _kind_of_parameter(declared: Mapping[str, Any]) -> str:
    return str(declared.get("type") or declared.get("parameterType"))


def constant(value: Any) -> Any:
    """What a Value of the specification holds: schema 2.0 wraps it, 2.1 does not."""
    if not isinstance(value, dict):
        return value
    if set(value) == {"intValue"}:
        return int(value["intValue"])
    if set(value) == {"doubleValue"}:
        return float(value["doubleValue"])
    return value["stringValue"] if set(value) == {"stringValue"} else value


def _task(name: str, task: Mapping[str, Any], spec: Mapping[str, Any]) -> Task:
    component = spec["components"][task["componentRef"]["name"]]
    if "executorLabel" not in component:
        raise UsageError(f"{name}: expected a task with an executor, got a pipeline within one")
    executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
    (kind,) = executor
    if kind not in (CONTAINER, IMPORTER, RESOLVER):
        raise UsageError(f"{name}: expected a container, an importer or a resolver, got {kind}")
    inputs = task.get("inputs", {})
    known = spec["root"]["dag"]["tasks"]
    parameters = {k: _parameter(k, one, known) for k, one in inputs.get("parameters", {}).items()}
    artifacts = {k: _artifact(name, k, one) for k, one in inputs.get("artifacts", {}).items()}
    sources = [*parameters.values(), *artifacts.values()]
    after = [*task.get("dependentTasks", ()), *(s.task for s in sources if isinstance(s, Source))]
    policy = task.get("triggerPolicy", {})
    return Task(
        name=name,
        parameters=parameters,
        artifacts=artifacts,
        component=component,
        kind=kind,
        executor=executor[kind],
        after=tuple(dict.fromkeys(after)),
        condition=policy.get("condition", ""),
        always=policy.get("strategy") == _ALWAYS,
        cached=bool(task.get("cachingOptions", {}).get("enableCache")),
    )


def _parameter(key: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """A constant, or where the value comes from."""
    if "componentInputParameter" in given:
        return JobParameter(given["componentInputParameter"])
    if "taskOutputParameter" in given:
        output = given["taskOutputParameter"]
        producer = output["producerTask"]
        if producer not in known:
            producer = producer.removesuffix(_PRODUCER_SUFFIX)
        return Source(producer, output["outputParameterKey"])
    if "runtimeValue" not in given:
        raise UsageError(f"expected a value or where it comes from, got {dict(given)} for {key}")
    return value_of(given["runtimeValue"])


def value_of(given: Mapping[str, Any]) -> Any:
    """A constant as it stands in a job, or the runtime parameter that takes its place."""
    if "runtimeParameter" in given:
        return JobParameter(given["runtimeParameter"])
    return constant(given["constantValue"] if "constantValue" in given else given["constant"])


def _artifact(task: str, key: str, given: Mapping[str, Any]) -> Source:
    if "taskOutputArtifact" not in given:
        raise UsageError(f"{task}: expected {key} to come from a task, got {dict(given)}")
    output = given["taskOutputArtifact"]
    return Source(output["producerTask"], output["outputArtifactKey"])


def _ordered(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, each after those that it waits for; else by name, so that runs are alike."""
    left = {task.name: task for task in sorted(tasks, key=lambda task: task.name)}
    for task in tasks:
        for other in task.after:
            if other not in left:
                raise UsageError(f"{task.name}: expected a task of the job before it, got {other}")
    return tuple(_taken(left))


def _taken(left: dict[str, Task]) -> Iterator[Task]:
    while left:
        ready = [task for task in left.values() if not set(task.after) & set(left)]
        if not ready:
            raise UsageError(f"expected an order of tasks, got a cycle of {', '.join(left)}")
        for task in ready:
            yield left.pop(task.name)
