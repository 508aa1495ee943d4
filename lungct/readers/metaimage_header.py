"""Preflight of a MetaImage header: everything that can be wrong is found before a voxel is read.

Field names and defaults are those of MetaIO, https://itk.org/Wiki/ITK/MetaIO/Documentation, which
by itself follows any file name, invents missing spacings and returns what memory held before.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lungct.geometry import Geometry, direction_matrix, is_orthonormal
from lungct.limits import (
    MAX_COORDINATE_MM,
    MAX_SIZE,
    MAX_SPACING_MM,
    MAX_VOXEL_BYTES,
    MAX_VOXELS,
    MIN_SPACING_MM,
)
from lungct.readers.metaimage_fields import (
    LOCAL,
    LOCAL_SUFFIX,
    TRUE,
    Fields,
    holds_voxels,
    numbers,
    read_fields,
)
from lungct.readers.streams import MAX_INFLATION
from lungct.scan import ScanError

# How voxels of a CT may be stored, by ElementType.
CT_TYPES = {
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
LABEL_TYPES = {"MET_UCHAR": "u1", "MET_CHAR": "i1", **CT_TYPES}

_ORIGIN_FIELDS = ("Offset", "Position", "Origin")
_MATRIX_FIELDS = ("TransformMatrix", "Orientation", "Rotation")
_BYTE_ORDER_FIELDS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")


@dataclass(frozen=True)
class MetaHeader:
    """A header whose every field agrees with the voxels beside it or behind it.

    Attributes:
        path: Header file.
        series_uid: Stem of the header file.
        geometry: Grid of the volume.
        dtype: How one voxel is stored, byte order included.
        voxels_path: File of voxels, a regular file in the header's folder, or the header itself.
        voxels_offset: Where in that file they begin; they go on to its end.
        compressed: Whether they are one zlib stream.
    """

    path: str
    series_uid: str
    geometry: Geometry
    dtype: np.dtype[np.generic]
    voxels_path: str
    voxels_offset: int
    compressed: bool

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all voxels, inflated."""
        return math.prod(self.geometry.shape) * self.dtype.itemsize


def read_header(path: str, types: Mapping[str, str] = CT_TYPES) -> MetaHeader:
    """Reads a MetaImage header and checks it against its voxels.

    Args:
        path: Header file, `.mhd`, or `.mha` that holds the voxels too.
        types: How a voxel may be stored, by ElementType: CT_TYPES or LABEL_TYPES.

    Returns:
        A header that can be trusted; no voxel has been read.

    Raises:
        ScanError: Anything is missing, impossible or contradicts the file on disk.
    """
    try:
        return _checked_header(read_fields(path), types)
    except OSError as error:
        raise ScanError(
            f"expected a readable header and voxels, got {error.strerror} in {path}"
        ) from error


def _checked_header(fields: Fields, types: Mapping[str, str]) -> MetaHeader:
    """The header of a file's fields, all of which are checked."""
    fields.expect("ObjectType", ("image",))
    fields.expect("NDims", ("3",))
    fields.expect("BinaryData", TRUE)
    fields.check_neutral()
    header = MetaHeader(
        path=fields.path,
        series_uid=Path(fields.path).stem,
        geometry=_geometry(fields),
        dtype=_dtype(fields, types),
        voxels_path=_voxels_path(fields),
        voxels_offset=fields.header_bytes if holds_voxels(fields.path) else 0,
        compressed=fields.flag(("CompressedData",)),
    )
    _check_stored_size(header, fields)
    return header


def _geometry(fields: Fields) -> Geometry:
    """Grid of the volume from DimSize, ElementSpacing, Offset and TransformMatrix."""
    name, value = fields.first_of(_MATRIX_FIELDS)
    matrix = tuple(numbers(value or ""))
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


def _origin_mm(fields: Fields) -> tuple[float, float, float]:
    """World (x, y, z) in mm of the first voxel, near enough for sums in mm to be exact."""
    origin_mm = fields.triple(_ORIGIN_FIELDS, positive=False)
    if max(map(abs, origin_mm)) > MAX_COORDINATE_MM:
        name, value = fields.first_of(_ORIGIN_FIELDS)
        fields.refuse(f"{name} within ±{MAX_COORDINATE_MM:g} mm", value)
    return origin_mm


def _shape(fields: Fields) -> tuple[int, int, int]:
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


def _dtype(fields: Fields, types: Mapping[str, str]) -> np.dtype[np.generic]:
    """Type of a voxel with its byte order."""
    value = fields.values.get("ElementType")
    if value is None or value not in types:
        fields.refuse(f"ElementType {', '.join(types)}", value)
    order = ">" if fields.flag(_BYTE_ORDER_FIELDS) else "<"
    return np.dtype(order + types[value])


def _voxels_path(fields: Fields) -> str:
    """File of voxels: the header's own, or in its folder by a plain name, no list or link out."""
    name = fields.values.get("ElementDataFile")
    if holds_voxels(fields.path):
        if name is None or name.upper() != LOCAL:
            fields.refuse(f"ElementDataFile = {LOCAL} in a file {LOCAL_SUFFIX}", name)
        return fields.path
    reserved = ("", ".", "..", "LIST", LOCAL, "Local", "local")
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


def _check_stored_size(header: MetaHeader, fields: Fields) -> None:
    """Compares the bytes on disk that are left for voxels with what the header promises."""
    if header.voxel_bytes > MAX_VOXEL_BYTES:
        fields.refuse(f"at most {MAX_VOXEL_BYTES} bytes of voxels", f"{header.voxel_bytes} bytes")
    found = os.stat(header.voxels_path).st_size - header.voxels_offset
    if not header.compressed:
        if found != header.voxel_bytes:
            fields.refuse(f"{header.voxel_bytes} bytes of voxels", f"{found} bytes")
        return
    declared = fields.values.get("CompressedDataSize")
    if declared is not None and numbers(declared) != [float(found)]:
        fields.refuse(f"CompressedDataSize = {found} as on disk", declared)
    if found * MAX_INFLATION < header.voxel_bytes:
        fields.refuse(f"a stream that can hold {header.voxel_bytes} bytes", f"{found} bytes")
