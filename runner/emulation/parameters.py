"""Runtime parameters of a job, as the command line gives them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.emulation.job import Job
from runner.usage import UsageError


def with_parameters(job: Job, given: Sequence[str]) -> Job:
    """The job with other values of runtime parameters.

    Args:
        job: The job.
        given: `KEY=VALUE` texts.

    Raises:
        UsageError: One is not of that form, unknown or no number, or a parameter has no value.
    """
    values = dict(job.parameters)
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or name not in values:
            known = ", ".join(values) or "none"
            raise UsageError(f"--parameter {text}: expected KEY=VALUE with KEY of {known}")
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
