"""Resolver tasks: the newest artifact that a query finds among those of all emulated runs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from runner.emulation.artifacts import Artifact
from runner.emulation.placeholders import rendered
from runner.usage import UsageError

_TERM: Final = re.compile(r'\s*([\w.\[\]"]+?)\s*=\s*("[^"]*"|[^\s"]+)\s*')
_METADATA: Final = re.compile(r"metadata\.(\w+)\.(?:number|string|bool)_value")


def resolve(
    queries: Mapping[str, Mapping[str, Any]],
    executor_input: Mapping[str, Any],
    newest_first: Iterable[Artifact],
) -> dict[str, tuple[Artifact, ...]]:
    """Answers a resolver's queries.

    Args:
        queries: For each output, its `filter`, as `schema_title="tfx.Model" AND state=LIVE`.
        executor_input: What placeholders in the filters stand for.
        newest_first: The artifacts that there are.

    Returns:
        For each output the newest artifact that fits, or none.

    Raises:
        UsageError: A filter says what is not known here.
    """
    known = list(newest_first)
    return {
        key: tuple(_matching(query.get("filter", ""), executor_input, known))[:1]
        for key, query in queries.items()
    }


def _matching(
    text: str, executor_input: Mapping[str, Any], artifacts: Iterable[Artifact]
) -> Iterable[Artifact]:
    try:
        terms = [_term(one) for one in re.split(r"\s+AND\s+", rendered(text, executor_input))]
    except KeyError:
        # What the query asks for by the name of another artifact was not found itself.
        return []
    return [one for one in artifacts if all(_fits(one, *term) for term in terms)]


def _term(text: str) -> tuple[str, str]:
    """Field and value of `field=value`."""
    found = _TERM.fullmatch(text)
    if found is None:
        raise UsageError(f"expected FIELD=VALUE in the filter of a resolver, got {text!r}")
    return found[1], found[2].strip('"')


def _fits(artifact: Artifact, field: str, value: str) -> bool:
    if field == "schema_title":
        return artifact.title == value
    if field == "name":
        return artifact.name == value
    if field == "state":
        return value == "LIVE"
    metadata = _METADATA.fullmatch(field)
    if metadata is None:
        raise UsageError(f"expected schema_title, state, name or metadata in a filter, got {field}")
    held = artifact.metadata.get(metadata[1])
    if isinstance(held, (int, float)):
        return float(held) == float(value)
    return held == value
