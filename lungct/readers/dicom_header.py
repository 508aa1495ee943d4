"""Headers of DICOM files: what lies before the pixels, with checks that name the file.

pydicom by itself takes a file cut in mid-header for a whole one, and inflates without a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from lungct.files import reason_of
from lungct.limits import MAX_VOXEL_BYTES
from lungct.scan import ScanError

# A file begins with 128 bytes that mean nothing, https://dicom.nema.org/medical/dicom/current/
# output/chtml/part10/chapter_7.html.
PREAMBLE_BYTES = 128
MAGIC = b"DICM"

# Its headers can't be read without inflating the whole file.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_BYTES = 2048

_FIRST_PIXEL_TAG, _LAST_PIXEL_TAG = 0x7FE00008, 0x7FE00010

_UNDEFINED_LENGTH = 0xFFFFFFFF

# What pydicom says before the cause, where the only decoder fails.
_NO_PLUGIN = "Unable to decode as exceptions were raised by all available plugins: "


@dataclass(frozen=True)
class Header:
    """What a DICOM file holds before its pixels.

    Attributes:
        dataset: The elements that were asked for.
        transfer_syntax: UID of how the file is coded; empty where it does not say.
        file_bytes: Length of the file.
        pixel_tag: Tag of the element of pixels; 0 where the file has none.
        pixel_bytes: Length of it as it says; None for pixels in fragments.
        pixel_start: Where its first byte lies in the file.
    """

    dataset: Dataset
    transfer_syntax: str
    file_bytes: int
    pixel_tag: int = 0
    pixel_bytes: int | None = 0
    pixel_start: int = 0


def read_header(file: BinaryIO, keywords: tuple[str, ...], name: str) -> Header:
    """Reads a file up to its pixels.

    Args:
        file: The file, at its beginning.
        keywords: The elements that are wanted; all others are skipped.
        name: Name of the file for messages.

    Returns:
        The elements as they stand in the file, none of them checked.

    Raises:
        ScanError: It is no DICOM file, is too long, or its elements can't be told apart.
    """
    file_bytes = _check_kind(file, name)
    try:
        return _read_elements(file, keywords, file_bytes)
    # Bytes that are no elements make pydicom raise whatever its converters do; at the end of a
    # file that it knows by number alone, it fails over its own message.
    except Exception as error:
        if file.tell() >= file_bytes:
            raise ScanError(
                f"expected a header of DICOM, got {file_end(file_bytes)} in {name}"
            ) from error
        raise ScanError(f"expected a header of DICOM, got {one_line(error)} in {name}") from error


def file_end(file_bytes: int) -> str:
    """What messages say of a file that ends too early."""
    return f"the end of the file at byte {file_bytes} (truncated)"


def one_line(error: Exception) -> str:
    """What went wrong, short enough for a line."""
    text = " ".join(reason_of(error).split()).removeprefix(_NO_PLUGIN) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def _check_kind(file: BinaryIO, name: str) -> int:
    """Length in bytes of a file that begins like DICOM; the file is at its beginning again."""
    start = file.read(_META_BYTES)
    magic = start[PREAMBLE_BYTES : PREAMBLE_BYTES + len(MAGIC)]
    file_bytes = file.seek(0, 2)
    file.seek(0)
    if not file_bytes:
        raise ScanError(f"expected a DICOM file, got an empty one in {name}")
    if magic != MAGIC:
        raise ScanError(
            f"expected a DICOM file with DICM at byte {PREAMBLE_BYTES}, got {magic!r} (encrypted, "
            f"truncated or of another kind) in {name}"
        )
    if _DEFLATED in start:
        raise ScanError(
            "expected a transfer syntax that can be read within bounds, got "
            f"{_DEFLATED.decode()} (deflated) in {name}"
        )
    if file_bytes > MAX_VOXEL_BYTES:
        raise ScanError(f"expected at most {MAX_VOXEL_BYTES} bytes, got {file_bytes} in {name}")
    return file_bytes


def _read_elements(file: BinaryIO, keywords: tuple[str, ...], file_bytes: int) -> Header:
    """The wanted elements, and where the pixels lie."""
    pixels = (0, 0)

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        nonlocal pixels
        if not _FIRST_PIXEL_TAG <= tag <= _LAST_PIXEL_TAG:
            return False
        pixels = (int(tag), length)
        return True

    tags: list[BaseTag | int] = [BaseTag(tag_for_keyword(word) or 0) for word in keywords]
    dataset = read_partial(file, stop_when=at_pixels, specific_tags=tags)
    # pydicom goes back to the start of the element: tag, type unless implicit, and length.
    start = file.tell() + (8 if dataset.original_encoding[0] else 12)
    return Header(
        dataset=dataset,
        transfer_syntax=str(dataset.file_meta.get("TransferSyntaxUID") or ""),
        file_bytes=file_bytes,
        pixel_tag=pixels[0],
        pixel_bytes=None if pixels[1] == _UNDEFINED_LENGTH else pixels[1],
        pixel_start=start,
    )


@dataclass(frozen=True)
class Fields:
    """Elements of one slice with checks that name it.

    Attributes:
        name: Name of the slice for messages.
        dataset: Its elements.
    """

    name: str
    dataset: Dataset

    def refuse(self, expected: str, got: str) -> NoReturn:
        """Raises ScanError."""
        raise ScanError(f"expected {expected}, got {got} in {self.name}")

    def has(self, keyword: str) -> bool:
        """Whether an element is there and not empty."""
        return self.shown(keyword) != "none"

    def shown(self, keyword: str) -> str:
        """The value as it stands in the file, short enough for a line; `none` without one."""
        tag = tag_for_keyword(keyword)
        element = self.dataset.get_item(tag) if tag is not None else None
        value = None if element is None else element.value
        if value is None or (hasattr(value, "__len__") and not len(value)):
            return "none"
        if isinstance(value, bytes):
            value = value.decode("latin-1").rstrip(" \0")
        text = repr(value) if isinstance(value, str) else str(value)
        return text if len(text) <= 80 else text[:77] + "..."

    def text(self, keyword: str) -> str:
        """Text of an element, empty where it is missing; several values with backslashes."""
        value = self._value(keyword)
        many = not isinstance(value, str) and hasattr(value, "__iter__")
        words = value if many else [] if value is None else [value]
        return "\\".join(str(word).strip() for word in words)

    def required_text(self, keyword: str) -> str:
        """Text of an element that must be there."""
        text = self.text(keyword)
        if not text:
            self.refuse(f"{keyword}", "none")
        return text

    def numbers(self, keyword: str, count: int) -> tuple[float, ...]:
        """Finite numbers of an element that must be there."""
        expected = f"{count} finite number{'s' if count > 1 else ''} in {keyword}"
        words = self.text(keyword).split("\\")
        try:
            numbers = tuple(float(word) for word in words)
        except ValueError:
            self.refuse(expected, self.shown(keyword))
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            self.refuse(expected, self.shown(keyword))
        return numbers

    def number(self, keyword: str, low: float, high: float) -> float:
        """One number within bounds, which are inclusive."""
        (number,) = self.numbers(keyword, 1)
        if not low <= number <= high:
            self.refuse(f"{keyword} of {low:g} to {high:g}", self.shown(keyword))
        return number

    def whole(self, keyword: str, low: int, high: int) -> int:
        """One whole number within bounds, which are inclusive."""
        number = self.number(keyword, low, high)
        if number != int(number):
            self.refuse(f"a whole number in {keyword}", self.shown(keyword))
        return int(number)

    def _value(self, keyword: str) -> Any:
        """Value of an element; refused where its bytes are none of its type."""
        try:
            return self.dataset.get(keyword)
        # Converters of pydicom raise whatever the bytes make them.
        except Exception:
            self.refuse(f"{keyword} of its type", self.shown(keyword))
