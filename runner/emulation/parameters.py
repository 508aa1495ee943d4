"""Runtime parameters of a job, as the command line gives them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.emulation.job import Job
from runner.usage import UsageError


def with_parameters(job: Job, given: Mapping[str, str]) -> Job:
    """The job with other values of runtime parameters.

    Args:
        job: The job.
        given: Value by name, as they stand on the command line.

    Raises:
        UsageError: One is unknown or no number, or a parameter has no value.
    """
    values = dict(job.parameters)
    for name, value in given.items():
        if name not in values:
            known = f"one of the job's {', '.join(values)}" if values else "none, the job has none"
            raise UsageError(f"--parameter {name}: expected {known}")
        values[name] = _typed(job, name, value)
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise UsageError(f"expected --parameter for {', '.join(missing)}, got none")
    return replace(job, parameters=values)


def _typed(job: Job, name: str, text: str) -> Any:
    if name in job.texts:
        return text
    try:
        return int(text) if name in job.integers else json.loads(text)
    except ValueError:
        kind = "a whole number" if name in job.integers else "a value in JSON"
        raise UsageError(f"--parameter {name}={text}: expected {kind}, got {text!r}") from None
