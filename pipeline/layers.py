"""A configuration file on top of others: `base: FILE` names what it leaves unsaid.

Sections are joined key by key at any depth; what a file says itself wins, and a list is one value.
Every fault is told of the file and line that it stands in.
"""

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.strict_yaml import Document, YamlError, read_yaml

BASE_KEY: Final = "base"


class LayerError(ValueError):
    """A file can't be used; the text is one line that names it."""


@dataclass(frozen=True)
class Layer:
    """One file.

    Attributes:
        path: As it was named, or beside the file that names it.
        document: What it says itself.
    """

    path: str
    document: Document

    def content(self) -> dict[str, Any]:
        """What it says, without the name of its base; a copy."""
        content: dict[str, Any] = copy.deepcopy(self.document.content)
        content.pop(BASE_KEY, None)
        return content


@dataclass(frozen=True)
class Layers:
    """A file and those below it, the one that was named first."""

    layers: tuple[Layer, ...]

    def content(self) -> dict[str, Any]:
        """All of them joined; a copy."""
        joined: dict[str, Any] = {}
        for layer in reversed(self.layers):
            joined = _joined(layer.content(), joined)
        return joined

    def place(self, path: Sequence[str | int]) -> str:
        """Says where a value is written, or the innermost section on the way to it.

        Args:
            path: Keys, and positions in lists from 0.

        Returns:
            File and line, of the first file that holds most of the way; the first file alone where
            none holds the first key.
        """
        layer = max(self.layers, key=lambda one: one.document.depth_of(path))
        line = layer.document.line_of(path)
        return self.layers[0].path if line is None else f"{layer.path}, line {line}"


def read_layers(path: str) -> Layers:
    """Reads a file and, one below the other, those that it is based on.

    Args:
        path: YAML file; a base is named relative to the folder of the file that names it.

    Returns:
        All of them.

    Raises:
        LayerError: A file can't be read, holds no sections, names its base by no text, or is based
            on itself.
    """
    layers: list[Layer] = []
    seen: list[str] = []
    while True:
        document = _read(path, layers)
        layers.append(Layer(path, document))
        seen.append(os.path.realpath(path))
        base = document.content.get(BASE_KEY)
        if BASE_KEY not in document.content:
            return Layers(tuple(layers))
        place = f"{path}, line {document.line_of((BASE_KEY,))}"
        if not isinstance(base, str) or not base:
            raise LayerError(f"{place}: expected base to be the name of a file, got {base!r}")
        path = os.path.join(os.path.dirname(path), base)
        if os.path.realpath(path) in seen:
            chain = " on ".join(os.path.basename(one.path) for one in layers)
            raise LayerError(f"{place}: expected a base that ends, got {chain} on {base}")


def _read(path: str, above: Sequence[Layer]) -> Document:
    """The document of a file; an error names the file above that asks for it, too."""
    asked = ""
    if above:
        line = above[-1].document.line_of((BASE_KEY,))
        asked = f"{above[-1].path}, line {line}: base: "
    try:
        with open(path, encoding="utf-8") as file:
            document = read_yaml(file.read())
    except OSError as error:
        raise LayerError(f"{asked}{path}: expected a YAML file, got: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LayerError(f"{asked}{path}: expected YAML in UTF-8, got: {error}") from None
    except YamlError as error:
        raise LayerError(f"{path}: {error}") from None
    if not isinstance(document.content, dict):
        kind = "nothing" if document.content is None else type(document.content).__name__
        raise LayerError(f"{path}: expected a mapping of sections, got {kind}")
    return document


def _joined(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """Both, where what is above wins; the order is that of what is below, then what is new."""
    joined = {**below, **above}
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            joined[key] = _joined(value, below[key])
    return joined
