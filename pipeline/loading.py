"""Reading a configuration: YAML, `--set` overrides, and errors that name the nearest valid key."""

import dataclasses
import difflib
import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from pipeline.config import Config
from pipeline.data_config import complete_roots
from pipeline.layers import LayerError, Layers, read_layers
from pipeline.strict_yaml import YamlError, read_yaml

# Stands in valid keys for a name that the user chooses.
CHOSEN: Final = "NAME"


class ConfigError(ValueError):
    """The configuration can't be used; the text says what is wrong, the first fault in one line.

    Attributes:
        faults: All of them, one line each.
    """

    def __init__(self, first: str, *more: str) -> None:
        """Holds the faults.

        Args:
            first: One line.
            *more: One line each.
        """
        super().__init__(first + (f" (and {len(more)} more)" if more else ""))
        self.faults = (first, *more)


def load_config(
    path: str, overrides: Sequence[str] = (), context: str | None = None, **values: Any
) -> Config:
    """Reads and validates a configuration.

    Args:
        path: YAML file.
        overrides: `section.key=value` texts, each key once; the value is read as YAML.
        context: `pipeline.config.OTHER_DATA` where criteria of the gate may name other data roots;
            `pipeline.vertex_config.CLOUD` where it is to be used on Vertex AI, and so may hold no
            placeholder.
        **values: Top-level or dotted (with `__` for the dot) values that the runner sets, such as
            `output` or `data__roots`; None is left out.

    Returns:
        The validated configuration.

    Raises:
        ConfigError: If the file can't be read, a key is unknown or a value is not valid.
    """
    try:
        layers = read_layers(path)
    except LayerError as error:
        raise ConfigError(str(error)) from None
    content = layers.content()
    given: dict[str, str] = {}
    for override in overrides:
        key, value = _parse_override(override)
        if key in given:
            raise ConfigError(f"--set {override}: expected each key once, got {given[key]} too")
        given[key] = f"--set {override}"
        _assign(content, key, value, given[key])
    for name, value in values.items():
        if value is not None:
            key = name.replace("__", ".")
            given[key] = "command line"
            _assign(content, key, value, given[key])
    try:
        return _validate(content, context)
    except ValidationError as error:
        faults = error.errors()
    places = [_place(fault, layers, given, context) for fault in faults]
    raise ConfigError(
        *(_describe(fault, place)[:500] for fault, place in zip(faults, places, strict=True))
    )


def _validate(content: Any, context: str | None = None) -> Config:
    """Validates as JSON: a number is no text and no boolean there, and a list may be a tuple."""
    if "data" in content:
        content = {**content, "data": complete_roots(content["data"])}
    text = json.dumps(content, default=str)
    return Config.model_validate_json(text, strict=True, context=context)


def valid_keys(section: type[Any] = Config, prefix: str = "") -> Iterator[str]:
    """Yields every dotted key that a configuration may hold, the sections themselves too.

    Where the user chooses names, as those of the gate's criteria, `NAME` stands for them.
    """
    for name, annotation in _fields_of(section).items():
        key = f"{prefix}{name}"
        yield key
        if _is_mapping(annotation):
            key = f"{key}.{CHOSEN}"
            yield key
        inner = _section_of(annotation)
        if inner is not None:
            yield from valid_keys(inner, f"{key}.")


def nearest_key(key: str) -> str:
    """Returns the valid dotted key most like `key`: by its whole, else by its last part."""
    general, name = _general(key)
    keys = list(valid_keys())
    close = difflib.get_close_matches(general, keys, n=1, cutoff=0.7)
    if not close:
        by_last = {k.rsplit(".", 1)[-1]: k for k in reversed(keys)}
        last = difflib.get_close_matches(key.rsplit(".", 1)[-1], list(by_last), n=1, cutoff=0.0)
        close = [by_last[last[0]]]
    return close[0].replace(CHOSEN, name)


def _general(key: str) -> tuple[str, str]:
    """A dotted key with `NAME` where the user chooses a name, and the name that was chosen."""
    general: list[str] = []
    name, chosen = CHOSEN, False
    section: type[Any] | None = Config
    for part in key.split("."):
        if chosen:
            name, chosen = part, False
            general.append(CHOSEN)
            continue
        annotation = _fields_of(section).get(part)
        section, chosen = _section_of(annotation), _is_mapping(annotation)
        general.append(part)
    return ".".join(general), name


def _is_mapping(annotation: Any) -> bool:
    """Whether a key holds sections by names that the user chooses."""
    return typing.get_origin(annotation) is dict


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


def _parse_override(override: str) -> tuple[str, Any]:
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"--set: expected key=value, got {override!r}; "
            f"nearest valid key: {nearest_key(override)}"
        )
    key = key.strip()
    if _general(key)[0] not in valid_keys():
        raise ConfigError(f"--set: unknown key {key}; nearest valid key: {nearest_key(key)}")
    try:
        return key, read_yaml(text).content
    except YamlError as error:
        raise ConfigError(f"--set {override}: {error}") from None


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


def _place(
    fault: Mapping[str, Any], layers: Layers, given: Mapping[str, str], context: str | None
) -> str:
    """Where a fault was written: in which `--set`, or in which line of which file."""
    key = ".".join(str(part) for part in fault["loc"])
    blamed = [origin for name, origin in given.items() if _overlap(name, key)]
    if blamed and not _has_fault(layers.content(), fault, context):
        named = [origin for origin in blamed if _last_part(origin) in fault["msg"]]
        return ", ".join(named or blamed)
    return layers.place(fault["loc"])


def _overlap(one: str, other: str) -> bool:
    """Whether one dotted key lies within the other; every key lies within nothing."""
    return not other or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _last_part(origin: str) -> str:
    return origin.partition("=")[0].rpartition(".")[2]


def _has_fault(content: Any, fault: Mapping[str, Any], context: str | None) -> bool:
    """Whether the files have the fault without any override."""
    try:
        _validate(content, context)
    except ValidationError as error:
        return any((f["loc"], f["msg"]) == (fault["loc"], fault["msg"]) for f in error.errors())
    return False


def _describe(fault: Mapping[str, Any], place: str) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place}: unknown key {key}; nearest valid key: {nearest_key(key)}"
    if fault["type"] in ("missing", "missing_argument"):
        return f"{place}: missing key {key}"
    if fault["type"] in ("model_type", "dataclass_type"):
        return f"{place}: {key}: expected a section, got {fault['input']!r}"
    if fault["type"] == "json_invalid":
        return f"{place}: expected text in UTF-8, got other bytes in a value"
    message = str(fault["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if fault["type"] == "value_error":
        return f"{place}: {key + ': ' if key else ''}{message}"
    return f"{place}: {key}: {message}, got {fault['input']!r}"
