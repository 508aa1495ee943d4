"""A compiled job with the values of one run, ready to be sent."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from pipeline.config import Config
from pipeline.run_parameters import Value, run_parameters
from pipeline.vertex_config import VertexConfig
from runner.usage import UsageError
from schema.run_parameters import GATE_BOUNDS, read_bounds

_KINDS = {int: "intValue", str: "stringValue"}


def read_job(path: str, place: VertexConfig) -> dict[str, Any]:
    """Reads a job that was compiled before.

    Args:
        path: By `compile`, for Vertex AI.
        place: Where it is to be sent.

    Returns:
        The PipelineJob as plain JSON.

    Raises:
        UsageError: It is none, or was compiled for another place.
    """
    try:
        with open(path, encoding="utf-8") as file:
            job = json.load(file)
        root = job["runtimeConfig"]["gcsOutputDirectory"]
        known = job["pipelineSpec"]["root"]["dag"]["tasks"]
    except OSError as error:
        raise UsageError(f"--job {path}: expected a compiled job, got: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        expected = "expected a job that `compile` wrote for Vertex AI, got something else"
        raise UsageError(f"--job {path}: {expected}") from None
    if root != place.pipeline_root or not known:
        expected = f"expected a job for vertex.pipeline_root {place.pipeline_root}"
        raise UsageError(f"--job {path}: {expected}, got one for {root}: compile it again")
    result: dict[str, Any] = job
    return result


def with_parameters(job: Mapping[str, Any], config: Config, given: Mapping[str, str]) -> Any:
    """The job with the parameters of a run.

    Args:
        job: A compiled job, as plain JSON.
        config: The configuration with these parameters, valid.
        given: The parameters as they stand on the command line.

    Returns:
        The job; a parameter that is not given keeps its value.

    Raises:
        UsageError: The job has no such parameter, or no such criterion.
    """
    runtime = job["runtimeConfig"]
    values, parameters = run_parameters(config), dict(runtime.get("parameters", {}))
    for name in dict.fromkeys(name.partition(".")[0] for name in given):
        if name not in parameters:
            raise UsageError(
                f"--parameter {name}: expected one of the job's {', '.join(sorted(parameters))}"
            )
        value = values[name]
        if name == GATE_BOUNDS:
            value = _bounds(parameters[name]["stringValue"], str(value), given)
        parameters[name] = {_KINDS[type(value)]: value}
    return {**job, "runtimeConfig": {**runtime, "parameters": parameters}}


def _bounds(compiled: str, asked: str, given: Mapping[str, str]) -> Value:
    """The bounds of the job, but those that are given."""
    names = {name.partition(".")[2] for name in given if name.startswith(f"{GATE_BOUNDS}.")}
    if GATE_BOUNDS in given:
        names |= set(read_bounds(given[GATE_BOUNDS]))
    known = read_bounds(compiled)
    if unknown := sorted(names - set(known)):
        raise UsageError(
            f"--parameter {GATE_BOUNDS}: expected criteria of the job, {', '.join(known)}, "
            f"got {', '.join(unknown)}: compile it again"
        )
    chosen = {name: bound for name, bound in read_bounds(asked).items() if name in names}
    return json.dumps({**known, **chosen}, sort_keys=True)


def new_job_id(name: str) -> str:
    """A name for a run that no other has: so that a request that is repeated makes one run."""
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    return f"{name}-{stamp}-{secrets.token_hex(3)}"


def pipeline_job(job: Mapping[str, Any], place: VertexConfig) -> Any:
    """The message of a job.

    Args:
        job: As plain JSON.
        place: Service account and network of the run; its labels are compiled into the job.

    Returns:
        A `google.cloud.aiplatform_v1.PipelineJob`.

    Raises:
        UsageError: It is none.
    """
    from google.cloud.aiplatform_v1.types import PipelineJob
    from google.protobuf.json_format import ParseError

    try:
        message = PipelineJob.from_json(json.dumps(job))
    except ParseError as error:
        text = " ".join(str(error).split())
        raise UsageError(f"--job: expected a PipelineJob of Vertex AI, got: {text}") from None
    message.service_account = place.service_account
    message.network = place.network
    return message


def console_link(place: VertexConfig, kind: str, name: str) -> str:
    """The page of a run or a schedule.

    Args:
        place: Where it is.
        kind: `runs` or `schedules`.
        name: The last part of its resource name.
    """
    base = "https://console.cloud.google.com/vertex-ai"
    return f"{base}/locations/{place.region}/pipelines/{kind}/{name}?project={place.project}"
