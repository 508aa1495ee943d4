"""Reading a configuration: YAML, `--set` overrides, and errors that name the nearest valid key."""

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.config import Config


class ConfigError(ValueError):
    """The configuration can't be used; the text says what is wrong, the first fault in one line."""


def load_config(path: str, overrides: Sequence[str] = (), **values: Any) -> Config:
    """Reads and validates a configuration.

    Args:
        path: YAML file.
        overrides: `section.key=value` texts; the value is read as YAML.
        **values: Top-level or dotted (with `__` for the dot) values that the runner sets, such as
            `output` or `data__roots`; None is left out.

    Returns:
        The validated configuration.

    Raises:
        ConfigError: If the file can't be read, a key is unknown or a value is not valid.
    """
    content = _read_yaml(path)
    for override in overrides:
        key, value = _parse_override(override)
        _assign(content, key, value, f"--set {override}")
    for name, value in values.items():
        if value is not None:
            _assign(content, name.replace("__", "."), value, name)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_describe(error, path)) from None


def valid_keys(section: type[Any] = Config, prefix: str = "") -> Iterator[str]:
    """Yields every dotted key that a configuration may hold, the sections themselves too."""
    for name, annotation in _fields_of(section).items():
        key = f"{prefix}{name}"
        yield key
        inner = _section_of(annotation)
        if inner is not None:
            yield from valid_keys(inner, f"{key}.")


def nearest_key(key: str) -> str:
    """Returns the valid dotted key most like `key`: by its whole, else by its last part."""
    keys = list(valid_keys())
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.7)
    if close:
        return close[0]
    by_last = {k.rsplit(".", 1)[-1]: k for k in reversed(keys)}
    last = difflib.get_close_matches(key.rsplit(".", 1)[-1], list(by_last), n=1, cutoff=0.0)
    return by_last[last[0]]


def _mappings() -> set[str]:
    """The keys whose values are mappings, such as a bound by size bucket."""
    return {
        f"{section}.{name}"
        for section, annotation in _fields_of(Config).items()
        for name, inner in _fields_of(_section_of(annotation)).items()
        if typing.get_origin(inner) is dict
    }


def _fields_of(section: type[Any] | None) -> dict[str, Any]:
    """Names and types of a section's keys, whether pydantic's model or a dataclass."""
    if section is None:
        return {}
    if issubclass(section, BaseModel):
        return {name: field.annotation for name, field in section.model_fields.items()}
    hints = typing.get_type_hints(section)
    return {field.name: hints[field.name] for field in dataclasses.fields(section)}


def _section_of(annotation: Any) -> type[Any] | None:
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and (
            issubclass(candidate, BaseModel) or dataclasses.is_dataclass(candidate)
        ):
            return candidate
    return None


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except OSError as error:
        raise ConfigError(f"{path}: expected a YAML file, got: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: expected YAML, got: {reason}") from None
    if not isinstance(content, dict):
        kind = "nothing" if content is None else type(content).__name__
        raise ConfigError(f"{path}: expected a mapping of sections, got {kind}")
    return content


def _parse_override(override: str) -> tuple[str, Any]:
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"--set: expected key=value, got {override!r}; "
            f"nearest valid key: {nearest_key(override)}"
        )
    key = key.strip()
    parts = key.split(".")
    if key not in valid_keys() and ".".join(parts[:-1]) not in _mappings():
        raise ConfigError(f"--set: unknown key {key}; nearest valid key: {nearest_key(key)}")
    try:
        return key, yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: expected a YAML value, got {text!r}") from None


def _assign(content: dict[str, Any], key: str, value: Any, origin: str) -> None:
    *sections, last = key.split(".")
    place = content
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(
                f"{origin}: expected {section} to be a section, got the value {inner!r}; "
                f"nearest valid key: {nearest_key(key)}"
            )
        place = inner
    place[last] = value


def _describe(error: ValidationError, path: str) -> str:
    first, *more = error.errors()
    rest = f" (and {len(more)} more)" if more else ""
    return _describe_one(first, path)[:500] + rest


def _describe_one(fault: Mapping[str, Any], path: str) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{path}: unknown key {key}; nearest valid key: {nearest_key(key)}"
    if fault["type"] in ("missing", "missing_argument"):
        return f"{path}: missing key {key}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if fault["type"] == "value_error":
        return f"{path}: {key + ': ' if key else ''}{message}"
    return f"{path}: {key}: {message}, got {fault['input']!r}"
