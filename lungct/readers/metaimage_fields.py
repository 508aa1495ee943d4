"""The text of a MetaImage header: its fields, and checks of single ones that name the file."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import NoReturn

from lungct.files import open_regular
from lungct.scan import ScanError

MAX_HEADER_BYTES = 1 << 20

# The ending of a file that holds header and voxels, and what such a header says of its voxels.
LOCAL_SUFFIX, LOCAL = ".mha", "LOCAL"

TRUE, FALSE = ("true", "1"), ("false", "0")

# Fields that may only have the value that changes nothing.
_NEUTRAL_FIELDS = {
    "ElementNumberOfChannels": 1.0,
    "HeaderSize": 0.0,
    "ElementToIntensityFunctionSlope": 1.0,
    "ElementToIntensityFunctionOffset": 0.0,
}

# The last line of a header: what follows its line feed is voxels.
_LAST_LINE = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[^\n]*\n", re.MULTILINE)


def holds_voxels(path: str) -> bool:
    """Tells files that hold header and voxels from headers of files beside them.

    Args:
        path: A header file.

    Returns:
        Whether it ends in `.mha`.
    """
    return Path(path).suffix.lower() == LOCAL_SUFFIX


class Fields:
    """Fields of one header with checks that name the file.

    Attributes:
        path: Header file.
        values: Text by name.
        header_bytes: Bytes of the file up to the voxels in it, or of the whole header file.
    """

    def __init__(self, path: str, values: dict[str, str], header_bytes: int) -> None:
        """Holds what `read_fields` found."""
        self.path = path
        self.values = values
        self.header_bytes = header_bytes

    def refuse(self, expected: str, got: str | None) -> NoReturn:
        """Ends the reading of the file.

        Args:
            expected: What it should say.
            got: What it says, None for a missing field.

        Raises:
            ScanError: Always.
        """
        shown = "none" if got is None else _shown(got)
        raise ScanError(f"expected {expected}, got {shown} in {self.path}")

    def expect(self, name: str, values: tuple[str, ...]) -> None:
        """Checks that a field is there and has one of some values.

        Args:
            name: The field.
            values: What it may say, in lower case.

        Raises:
            ScanError: It does not.
        """
        if self.values.get(name, "").lower() not in values:
            self.refuse(f"{name} = {' or '.join(values)}", self.values.get(name))

    def check_neutral(self) -> None:
        """Checks that there are no several channels, skipped bytes or intensity functions.

        Raises:
            ScanError: There are.
        """
        for name, neutral in _NEUTRAL_FIELDS.items():
            value = self.values.get(name)
            if value is not None and numbers(value) != [neutral]:
                self.refuse(f"{name} = {neutral:g}", value)

    def flag(self, names: tuple[str, ...]) -> bool:
        """Value of a boolean field.

        Args:
            names: Its names.

        Returns:
            The value, False where none of the names is there.

        Raises:
            ScanError: It says neither, or is there under two names.
        """
        name, value = self.first_of(names)
        if value is not None and value.lower() not in TRUE + FALSE:
            self.refuse(f"{name} = True or False", value)
        return value is not None and value.lower() in TRUE

    def first_of(self, names: tuple[str, ...]) -> tuple[str, str | None]:
        """Finds a field that has several names.

        Args:
            names: Its names, of which one may be used.

        Returns:
            Name and value; the first name and None where there is none.

        Raises:
            ScanError: It is there under two names.
        """
        present = [name for name in names if name in self.values]
        if len(present) > 1:
            self.refuse(f"one of {', '.join(names)}", " and ".join(present))
        return (present[0], self.values[present[0]]) if present else (names[0], None)

    def triple(self, names: tuple[str, ...], positive: bool) -> tuple[float, float, float]:
        """Three finite numbers.

        Args:
            names: Names of the field, of which one must be there.
            positive: Whether each of them must be above 0.

        Returns:
            The numbers in their order.

        Raises:
            ScanError: The field is missing or says anything else.
        """
        name, value = self.first_of(names)
        found = numbers(value or "")
        if len(found) != 3 or not all(map(math.isfinite, found)):
            self.refuse(f"3 finite numbers in {name}", value)
        if positive and min(found) <= 0:
            self.refuse(f"3 positive numbers in {name}", value)
        return found[0], found[1], found[2]


def read_fields(path: str) -> Fields:
    """Reads all `name = value` lines, of which ElementDataFile must be the last.

    Args:
        path: Header file, `.mhd`, or `.mha` that goes on with voxels.

    Returns:
        Its fields, none of them checked.

    Raises:
        ScanError: The text is no header.
        OSError: The file can't be read.
    """
    data = _read_header_bytes(path)
    fields: dict[str, str] = {}
    text = data.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name or name in fields or "ElementDataFile" in fields:
            raise ScanError(
                "expected lines 'name = value', each name once and ElementDataFile last, "
                f"got {_shown(line)} in line {number} of {path}"
            )
        fields[name] = value
    return Fields(path, fields, len(data))


def _read_header_bytes(path: str) -> bytes:
    """A header of bounded size, without the voxels that may follow it in its file."""
    with open_regular(path) as file:
        data = file.read(MAX_HEADER_BYTES + 1)
    if holds_voxels(path):
        return _before_voxels(data[:MAX_HEADER_BYTES], path)
    if not 0 < len(data) <= MAX_HEADER_BYTES:
        size = os.stat(path).st_size
        raise ScanError(
            f"expected a header file of 1 to {MAX_HEADER_BYTES} bytes, got {size} in {path}"
        )
    return data


def _before_voxels(data: bytes, path: str) -> bytes:
    """The part of a file's first bytes that is header."""
    last = _LAST_LINE.search(data)
    if last is None:
        raise ScanError(
            f"expected a line 'ElementDataFile = {LOCAL}' in the first {MAX_HEADER_BYTES} bytes, "
            f"got none in {path}"
        )
    return data[: last.end()]


def numbers(text: str) -> list[float]:
    """Reads numbers that are separated by blanks.

    Args:
        text: Value of a field.

    Returns:
        The numbers; none when any word is no number.
    """
    try:
        return [] if "_" in text else [float(word) for word in text.split()]
    except ValueError:
        return []


def _shown(text: str) -> str:
    """A value from a file, quoted and short enough for one line."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
