"""Conditions of tasks: the part of Google's Common Expression Language that compilers write.

https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from runner.emulation.placeholders import part_of
from runner.usage import UsageError

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<number>-?\d+(?:\.\d*)?)
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<path>(?:inputs)(?:\.\w+|\[(?:'[^']*'|"[^"]*"|\d+)\])+)
    | (?P<word>\w+)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!()+])
    )\s*""",
    re.VERBOSE,
)
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: Final = {"true": True, "false": False}
_CASTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "int": int,
    "double": float,
    "string": str,
}
# Values of schema 2.0 by the names that CEL has for them.
_WRAPPED: Final = (".string_value", ".int_value", ".double_value", ".number_value")


def holds(condition: str, executor_input: Mapping[str, Any]) -> bool:
    """Whether a condition holds.

    Args:
        condition: Such as `inputs.artifacts['blessing'].artifacts[0].metadata['blessed'] == 1.0`.
        executor_input: The task's ExecutorInput as JSON.

    Raises:
        UsageError: It is of an unknown form, or asks for what is not there.
    """
    try:
        return bool(_Reader(_tokens(condition), executor_input).whole())
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"expected a condition that can be judged, got {condition}") from error


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise UsageError(f"expected a condition in CEL, got {text[place:]!r} in {text}")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        place = found.end()
    return tokens


class _Reader:
    """Reads an expression by descent: or, and, not, comparison, sum, value."""

    def __init__(
        self, tokens: Sequence[tuple[str, str]], executor_input: Mapping[str, Any]
    ) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._place = 0
        self._input = executor_input

    def whole(self) -> Any:
        value = self._either()
        if self._tokens[self._place][0] != "end":
            raise ValueError(f"expected the end, got {self._tokens[self._place][1]!r}")
        return value

    def _take(self, sign: str) -> bool:
        if self._tokens[self._place] != ("sign", sign):
            return False
        self._place += 1
        return True

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._comparison()
        while self._take("&&"):
            other = self._comparison()
            value = value and other
        return value

    def _comparison(self) -> Any:
        value = self._sum()
        for sign, compare in _COMPARISONS.items():
            if self._take(sign):
                return compare(value, self._sum())
        return value

    def _sum(self) -> Any:
        value = self._value()
        while self._take("+"):
            value = value + self._value()
        return value

    def _value(self) -> Any:
        if self._take("!"):
            return not self._value()
        if self._take("("):
            return self._closed()
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "number":
            return float(text)
        if kind == "text":
            return text[1:-1]
        if kind == "path":
            return self._part(text)
        if text in _WORDS:
            return _WORDS[text]
        cast = _CASTS[text]
        self._take("(")
        return cast(self._closed())

    def _closed(self) -> Any:
        value = self._either()
        if not self._take(")"):
            raise ValueError(f"expected ), got {self._tokens[self._place][1]!r}")
        return value

    def _part(self, path: str) -> Any:
        """What a path of the input leads to; CEL has one kind of number in JSON."""
        for ending in _WRAPPED:
            path = path.removesuffix(ending)
        value = part_of(self._input, f".{path}")
        return float(value) if type(value) is int else value
