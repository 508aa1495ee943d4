"""Preflight of a MetaImage header: everything that can be wrong is found before a voxel is read.

Field names and defaults are those of MetaIO, https://itk.org/Wiki/ITK/MetaIO/Documentation, which
by itself follows any file name, invents missing spacings and returns what memory held before.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from lungct.files import open_regular
from lungct.geometry import Geometry, direction_matrix, is_orthonormal
from lungct.limits import (
    MAX_COORDINATE_MM,
    MAX_SIZE,
    MAX_SPACING_MM,
    MAX_VOXEL_BYTES,
    MAX_VOXELS,
    MIN_SPACING_MM,
)
from lungct.scan import ScanError

MAX_HEADER_BYTES = 1 << 20
# No zlib stream inflates further, https://www.zlib.net/zlib_tech.html.
MAX_INFLATION = 1032

_DTYPES = {
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_ORIGIN_FIELDS = ("Offset", "Position", "Origin")
_MATRIX_FIELDS = ("TransformMatrix", "Orientation", "Rotation")
_BYTE_ORDER_FIELDS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")

# Fields that may only have the value that changes nothing.
_NEUTRAL_FIELDS = {
    "ElementNumberOfChannels": 1.0,
    "HeaderSize": 0.0,
    "ElementToIntensityFunctionSlope": 1.0,
    "ElementToIntensityFunctionOffset": 0.0,
}


@dataclass(frozen=True)
class MetaHeader:
    """A header whose every field agrees with the file of voxels beside it.

    Attributes:
        path: Header file.
        series_uid: Stem of the header file.
        geometry: Grid of the volume.
        dtype: How one voxel is stored, byte order included.
        voxels_path: File of voxels, a regular file in the header's folder.
        compressed: Whether that file is one zlib stream.
    """

    path: str
    series_uid: str
    geometry: Geometry
    dtype: np.dtype[np.generic]
    voxels_path: str
    compressed: bool

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all voxels, inflated."""
        return math.prod(self.geometry.shape) * self.dtype.itemsize


def read_header(path: str) -> MetaHeader:
    """Reads a MetaImage header and checks it against the file of voxels.

    Args:
        path: Header file, `.mhd`.

    Returns:
        A header that can be trusted; no voxel has been read.

    Raises:
        ScanError: Anything is missing, impossible or contradicts the file on disk.
    """
    try:
        return _checked_header(_Fields(path, _read_fields(path)))
    except OSError as error:
        raise ScanError(
            f"expected a readable header and voxels, got {error.strerror} in {path}"
        ) from error


def _checked_header(fields: _Fields) -> MetaHeader:
    """The header of a file's fields, all of which are checked."""
    fields.expect("ObjectType", ("image",))
    fields.expect("NDims", ("3",))
    fields.expect("BinaryData", _TRUE)
    fields.check_neutral()
    header = MetaHeader(
        path=fields.path,
        series_uid=Path(fields.path).stem,
        geometry=_geometry(fields),
        dtype=_dtype(fields),
        voxels_path=_voxels_path(fields),
        compressed=fields.flag(("CompressedData",)),
    )
    _check_file_size(header, fields)
    return header


def _read_fields(path: str) -> dict[str, str]:
    """All `name = value` lines, of which ElementDataFile must be the last."""
    fields: dict[str, str] = {}
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name or name in fields or "ElementDataFile" in fields:
            raise ScanError(
                "expected lines 'name = value', each name once and ElementDataFile last, "
                f"got {_shown(line)} in line {number} of {path}"
            )
        fields[name] = value
    return fields


def _read_text(path: str) -> str:
    """Text of a header file of bounded size."""
    with open_regular(path) as file:
        data = file.read(MAX_HEADER_BYTES + 1)
    if not 0 < len(data) <= MAX_HEADER_BYTES:
        size = os.stat(path).st_size
        raise ScanError(
            f"expected a header file of 1 to {MAX_HEADER_BYTES} bytes, got {size} in {path}"
        )
    return data.decode("utf-8-sig", errors="replace")


class _Fields:
    """Fields of one header with checks that name the file."""

    def __init__(self, path: str, values: dict[str, str]) -> None:
        self.path = path
        self.values = values

    def refuse(self, expected: str, got: str | None) -> NoReturn:
        """Raises ScanError; `got` is None for a missing field."""
        came = "none" if got is None else _shown(got)
        raise ScanError(f"expected {expected}, got {came} in {self.path}")

    def expect(self, name: str, values: tuple[str, ...]) -> None:
        """Refuses a field that is missing or has none of the values, which are in lower case."""
        if self.values.get(name, "").lower() not in values:
            self.refuse(f"{name} = {' or '.join(values)}", self.values.get(name))

    def check_neutral(self) -> None:
        """Refuses several channels, skipped bytes and intensity functions."""
        for name, neutral in _NEUTRAL_FIELDS.items():
            value = self.values.get(name)
            if value is not None and _numbers(value) != [neutral]:
                self.refuse(f"{name} = {neutral:g}", value)

    def flag(self, names: tuple[str, ...]) -> bool:
        """Value of a boolean field, False where none of its names is there."""
        name, value = self.first_of(names)
        if value is not None and value.lower() not in _TRUE + _FALSE:
            self.refuse(f"{name} = True or False", value)
        return value is not None and value.lower() in _TRUE

    def first_of(self, names: tuple[str, ...]) -> tuple[str, str | None]:
        """Name and value of a field that has several names, of which one may be used."""
        present = [name for name in names if name in self.values]
        if len(present) > 1:
            self.refuse(f"one of {', '.join(names)}", " and ".join(present))
        return (present[0], self.values[present[0]]) if present else (names[0], None)

    def triple(self, names: tuple[str, ...], positive: bool) -> tuple[float, float, float]:
        """Three finite numbers; a missing field is refused."""
        name, value = self.first_of(names)
        numbers = _numbers(value or "")
        if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
            self.refuse(f"3 finite numbers in {name}", value)
        if positive and min(numbers) <= 0:
            self.refuse(f"3 positive numbers in {name}", value)
        return numbers[0], numbers[1], numbers[2]


def _geometry(fields: _Fields) -> Geometry:
    """Grid of the volume from DimSize, ElementSpacing, Offset and TransformMatrix."""
    name, value = fields.first_of(_MATRIX_FIELDS)
    matrix = tuple(_numbers(value or ""))
    if not is_orthonormal(matrix):
        fields.refuse(f"9 orthonormal direction cosines in {name}", value)
    # MetaImage lists the direction of each index axis in turn: the columns of ITK's matrix.
    direction = tuple(float(cosine) for cosine in direction_matrix(matrix).T.ravel())
    origin_mm = _origin_mm(fields)
    spacing_mm = fields.triple(("ElementSpacing",), positive=True)
    if not MIN_SPACING_MM <= min(spacing_mm) <= max(spacing_mm) <= MAX_SPACING_MM:
        bounds = f"{MIN_SPACING_MM:g} to {MAX_SPACING_MM:g} mm"
        fields.refuse(f"ElementSpacing of {bounds}", fields.values["ElementSpacing"])
    return Geometry(_shape(fields), origin_mm, spacing_mm, direction)


def _origin_mm(fields: _Fields) -> tuple[float, float, float]:
    """World (x, y, z) in mm of the first voxel, near enough for sums in mm to be exact."""
    origin_mm = fields.triple(_ORIGIN_FIELDS, positive=False)
    if max(map(abs, origin_mm)) > MAX_COORDINATE_MM:
        name, value = fields.first_of(_ORIGIN_FIELDS)
        fields.refuse(f"{name} within ±{MAX_COORDINATE_MM:g} mm", value)
    return origin_mm


def _shape(fields: _Fields) -> tuple[int, int, int]:
    """Sizes (z, y, x), bounded before anything is allocated."""
    value = fields.values.get("DimSize")
    words = (value or "").split()
    if len(words) != 3 or not all(word.isascii() and word.isdigit() for word in words):
        fields.refuse("3 positive whole numbers in DimSize", value)
    # Ten digits are far beyond the bound, and int() of a million digits takes its time.
    x, y, z = (int(word[:10]) for word in words)
    if not 0 < x * y * z <= MAX_VOXELS:
        fields.refuse(f"DimSize of 1 to {MAX_VOXELS} voxels", value)
    if max(x, y, z) > MAX_SIZE:
        fields.refuse(f"DimSize of at most {MAX_SIZE} along an axis", value)
    return z, y, x


def _dtype(fields: _Fields) -> np.dtype[np.generic]:
    """Type of a voxel with its byte order."""
    value = fields.values.get("ElementType")
    if value not in _DTYPES:
        fields.refuse(f"ElementType {', '.join(_DTYPES)}", value)
    order = ">" if fields.flag(_BYTE_ORDER_FIELDS) else "<"
    return np.dtype(order + _DTYPES[value])


def _voxels_path(fields: _Fields) -> str:
    """File of voxels: a plain name in the header's own folder, no list, device or link out."""
    name = fields.values.get("ElementDataFile")
    reserved = ("", ".", "..", "LIST", "LOCAL", "Local", "local")
    if name is None or name in reserved or any(sign in name for sign in "/\\%\0"):
        fields.refuse("ElementDataFile to be the name of a file beside the header", name)
    folder = Path(fields.path).parent
    target = folder / name
    if os.path.dirname(os.path.realpath(target)) != os.path.realpath(folder):
        fields.refuse("ElementDataFile inside the header's folder", os.path.realpath(target))
    if not target.is_file():
        fields.refuse("ElementDataFile to be a regular file that is there", name)
    owner = Path(os.path.realpath(target)).with_suffix(".mhd")
    if owner.name != Path(fields.path).name and owner.exists():
        fields.refuse(f"voxels of its own, not those of {owner.name}", name)
    return str(target)


def _check_file_size(header: MetaHeader, fields: _Fields) -> None:
    """Compares the length of the file of voxels with what the header promises."""
    if header.voxel_bytes > MAX_VOXEL_BYTES:
        fields.refuse(f"at most {MAX_VOXEL_BYTES} bytes of voxels", f"{header.voxel_bytes} bytes")
    found = os.stat(header.voxels_path).st_size
    if not header.compressed:
        if found != header.voxel_bytes:
            fields.refuse(f"{header.voxel_bytes} bytes of voxels", f"{found} bytes")
        return
    declared = fields.values.get("CompressedDataSize")
    if declared is not None and _numbers(declared) != [float(found)]:
        fields.refuse(f"CompressedDataSize = {found} as on disk", declared)
    if found * MAX_INFLATION < header.voxel_bytes:
        fields.refuse(f"a stream that can hold {header.voxel_bytes} bytes", f"{found} bytes")


def _numbers(text: str) -> list[float]:
    """Numbers separated by blanks; an empty list when any word is none."""
    try:
        return [] if "_" in text else [float(word) for word in text.split()]
    except ValueError:
        return []


def _shown(text: str) -> str:
    """A value from a file, quoted and short enough for one line."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
