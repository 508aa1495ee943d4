"""Reading a compiled job, with paths in a bucket replaced by those of this machine."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from runner.emulation.job import Job
from runner.emulation.parsing import parse_job
from runner.usage import UsageError

# What stands in for the bucket, below the output folder.
BUCKET_FOLDER: Final = "bucket"


def read_job(path: str, replacements: Mapping[str, str]) -> Job:
    """Reads a compiled job for this machine.

    Args:
        path: The file that `kubeflow_runner.py compile` wrote.
        replacements: Beginnings of paths in buckets, of whole names or up to a slash, and what
            each is here; the first that fits.

    Raises:
        UsageError: It can't be read, is no job, or holds what can't be run here.
    """
    content = _read(path)
    try:
        return parse_job(_replaced(content, replacements))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: expected a compiled PipelineJob, got {error!r}") from None


def pipeline_root(path: str) -> str:
    """The folder that a compiled job writes to, in its bucket.

    Raises:
        UsageError: The file can't be read, or names none.
    """
    root = str(_read(path).get("runtimeConfig", {}).get("gcsOutputDirectory", ""))
    if not root:
        raise UsageError(f"{path}: expected runtimeConfig.gcsOutputDirectory, got none")
    return root.rstrip("/")


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: expected a compiled PipelineJob in JSON, got {error}") from None
    if not isinstance(content, dict) or "pipelineSpec" not in content:
        raise UsageError(f"{path}: expected a compiled PipelineJob, got no pipelineSpec")
    return content


def _replaced(value: Any, replacements: Mapping[str, str]) -> Any:
    """The same with other beginnings of paths, in every text, as parameters hold JSON as text."""
    if isinstance(value, str):
        for old, new in replacements.items():
            value = _with_other_place(value, old, new)
        return value
    if isinstance(value, dict):
        return {key: _replaced(one, replacements) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, replacements) for one in value]
    return value


def _with_other_place(text: str, old: str, new: str) -> str:
    """Replaces a place, but not that whose name only begins so: a bucket `b` is no `b-scans`."""
    ending = "" if old.endswith("/") else r"(?=[/\"\\]|\Z)"
    return re.sub(re.escape(old) + ending, lambda _: new, text)
