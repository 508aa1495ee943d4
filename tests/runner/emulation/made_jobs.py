"""Small jobs made by hand: each task is a line of Python."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.emulation.emulation import Outcome, emulate
from runner.emulation.job import Job
from runner.emulation.machines import this_machine
from runner.emulation.parsing import parse_job
from runner.emulation.store import Store
from runner.emulation.tasks import Folders, TaskRunner

MODEL = {"schemaTitle": "tfx.Model"}
# Reads the ExecutorInput into `given`, and writes `answer` where TFX's containers do.
BEFORE = "import json, os, sys; given = json.loads(sys.argv[1]); answer = {}; "
AFTER = (
    "; path = given['outputs']['outputFile']; os.makedirs(os.path.dirname(path), exist_ok=True)"
    "; open(path, 'w').write(json.dumps(answer)) if answer else None"
)


def python(statement: str) -> dict[str, Any]:
    """A container that runs a line of Python on its ExecutorInput."""
    return {
        "image": "none",
        "command": ["python", "-c"],
        "args": [f"{BEFORE}{statement}{AFTER}", "{{$}}"],
    }


def answers(key: str, **metadata: Any) -> str:
    """A line that gives an output artifact these properties."""
    content = {"artifacts": {key: {"artifacts": [{"metadata": metadata}]}}}
    return f"answer = json.loads({json.dumps(json.dumps(content))})"


def task(
    *after: str,
    parameters: Mapping[str, Any] | None = None,
    artifacts: Mapping[str, str] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """A task; `artifacts` names `TASK.KEY` for each of its inputs, `given` what else it has."""
    sources = {key: source.split(".") for key, source in (artifacts or {}).items()}
    inputs = {
        "parameters": {
            key: value
            if isinstance(value, dict)
            else {"runtimeValue": {"constantValue": _wrapped(value)}}
            for key, value in (parameters or {}).items()
        },
        "artifacts": {
            key: {"taskOutputArtifact": {"producerTask": one, "outputArtifactKey": name}}
            for key, (one, name) in sources.items()
        },
    }
    return {"inputs": inputs, "dependentTasks": list(after), **given}


def _wrapped(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue" if isinstance(value, float) else "stringValue": value}


def made_job(
    tasks: Mapping[str, tuple[dict[str, Any], dict[str, Any]]],
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    parameters: Mapping[str, str] | None = None,
    **runtime: Any,
) -> dict[str, Any]:
    """The JSON of a job.

    Args:
        tasks: For each its task and its executor, which is a container where it has a command.
        outputs: The types of a task's output artifacts.
        parameters: The type of each runtime parameter.
        **runtime: What the runtime configuration holds.
    """
    executors = {
        f"{name}_executor": {"container": one} if "command" in one else one
        for name, (_, one) in tasks.items()
    }
    components = {
        name: {
            "executorLabel": f"{name}_executor",
            "outputDefinitions": {
                "artifacts": {
                    key: {"artifactType": kind}
                    for key, kind in (outputs or {}).get(name, {}).items()
                }
            },
        }
        for name in tasks
    }
    declared = {name: {"type": kind} for name, kind in (parameters or {}).items()}
    return {
        "pipelineSpec": {
            "schemaVersion": "2.0.0",
            "pipelineInfo": {"name": "made"},
            "components": components,
            "deploymentSpec": {"executors": executors},
            "root": {
                "dag": {
                    "tasks": {
                        name: {**one, "componentRef": {"name": name}}
                        for name, (one, _) in tasks.items()
                    }
                },
                "inputDefinitions": {"parameters": declared},
            },
        },
        "runtimeConfig": {"gcsOutputDirectory": "gs://bucket/root", **runtime},
    }


class Told:
    """Notes the order in which tasks begin."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, task: str) -> None:
        self.begun.append(task)

    def end(self, task: str, outcome: Outcome) -> None:
        pass


def run(folder: Path, content: Mapping[str, Any] | Job) -> tuple[dict[str, Outcome], list[str]]:
    """Runs a job, as the next run of a folder; outcomes, and the order of what ran."""
    job = content if isinstance(content, Job) else parse_job(content)
    number = len(list(folder.glob("logs/*")))
    folders = Folders(str(folder / "bucket" / str(number)), str(folder / "logs" / str(number)))
    Path(folders.logs).mkdir(parents=True)
    told = Told()
    runner = TaskRunner(this_machine(), Store(str(folder)), folders, job.legacy)
    return emulate(job, runner, told), told.begun


def states(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: outcome.state.value for name, outcome in outcomes.items()}
