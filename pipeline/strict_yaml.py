"""YAML whose values can't be misread: what PyYAML would reinterpret is refused.

Plain values are read by the rules of YAML 1.2: only true and false are booleans, and `1:30` is a
text, where PyYAML by itself follows YAML 1.1 (`yes` is true, `1:30` is 90, of a key that is given
twice the last value wins). So a text stands where a number is meant, and validation refuses it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_NUMBER_STARTS = list("-+.0123456789")


class YamlError(ValueError):
    """The text is no YAML, or holds what could be misread."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the plain values of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _starts in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", _NUMBER_STARTS),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9_]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf)|\.(nan|NaN)",
        _NUMBER_STARTS,
    ),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _starts
    )


@dataclass(frozen=True)
class Document:
    """A text that was read.

    Attributes:
        content: Its value, of plain Python types.
        root: Its nodes, which know their lines; None where the text holds nothing.
    """

    content: Any
    root: yaml.Node | None

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """Finds where a value, or the innermost section on the way to it, is written.

        Args:
            path: Keys, and positions in lists from 0.

        Returns:
            The line, from 1; None where not even the first key is there.
        """
        marks = self._marks(path)
        return marks[-1].start_mark.line + 1 if marks else None

    def depth_of(self, path: Sequence[str | int]) -> int:
        """How many steps of the way to a value are written here."""
        return len(self._marks(path))

    def _marks(self, path: Sequence[str | int]) -> list[yaml.Node]:
        """The node that is written first of each step of a way, as far as it goes."""
        node, marks = self.root, []
        for part in path:
            found = _step(node, part)
            if found is None:
                break
            mark, node = found
            marks.append(mark)
        return marks


def read_yaml(text: str) -> Document:
    """Reads YAML.

    Args:
        text: One document.

    Returns:
        Its value and lines.

    Raises:
        YamlError: If it is no YAML, a key is given twice or is no text, or a value holds itself.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(None, None)
        _check(root, (), (), set())
        return Document(loader.construct_document(root), root)
    except yaml.YAMLError as error:
        raise YamlError(f"expected YAML, got: {' '.join(str(error).split())}") from None


def _check(
    node: yaml.Node, path: tuple[str, ...], above: tuple[yaml.Node, ...], done: set[yaml.Node]
) -> None:
    """Refuses what YAML allows and PyYAML passes over."""
    if node in above:
        raise YamlError(f"expected a value, got {'.'.join(path)}, which holds itself")
    if node in done:
        return
    done.add(node)
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, path)
        for key, value in node.value:
            _check(value, (*path, str(key.value)), (*above, node), done)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _check(value, (*path, str(number)), (*above, node), done)


def _check_keys(node: yaml.MappingNode, path: tuple[str, ...]) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        name = ".".join((*path, str(key.value)))
        if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            raise YamlError(f"expected a text as key, got {name} in line {line}")
        if key.value in lines:
            raise YamlError(
                f"expected each key once, got {name} in line {lines[key.value]} and line {line}"
            )
        lines[key.value] = line


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The node that is written first, and the value, of one key or position."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
