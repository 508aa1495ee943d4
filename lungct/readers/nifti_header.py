"""Preflight of a NIfTI header: everything that can be wrong is found before a voxel is read.

Fields are those of NIfTI-1 and NIfTI-2, https://nifti.nimh.nih.gov/nifti-1. nibabel takes the bytes
apart; whether the fields agree with each other and with the file is judged here.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from lungct.files import open_regular, reason_of
from lungct.geometry import Geometry, is_orthonormal
from lungct.limits import (
    MAX_COORDINATE_MM,
    MAX_SIZE,
    MAX_SPACING_MM,
    MAX_VOXEL_BYTES,
    MAX_VOXELS,
    MIN_SPACING_MM,
)
from lungct.readers.streams import MAX_INFLATION
from lungct.scan import ScanError

# Extensions lie between header and voxels.
MAX_OFFSET = 1 << 24

_NIFTI_1, _NIFTI_2 = 348, 540
_MAGIC = {_NIFTI_1: b"n+1", _NIFTI_2: b"n+2\0\r\n\x1a\n"}

# Four bytes after the header say whether extensions follow.
_EXTENSION_FLAG_BYTES = 4

# How a voxel may be stored, by the field datatype; the others are colours, complex numbers, bits
# and floats of 16 bytes.
_DTYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"},
    **{256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"},
}

_UNKNOWN_UNIT, _MILLIMETRE = 0, 2

# Both forms are kept in 32 bits; in a volume of half a metre that is some micrometres.
_SAME_PLACE_MM = 0.05
_SAME_SPACING = 1e-3


@dataclass(frozen=True)
class NiftiHeader:
    """A header whose every field agrees with the file.

    Attributes:
        path: The file.
        series_uid: Its name without `.nii` or `.nii.gz`.
        geometry: Grid of the volume in LPS; index axes x, y and z are NIfTI's i, j and k.
        dtype: How one voxel is stored, byte order included.
        voxels_offset: Where in the file, or in what it inflates to, the voxels begin.
        compressed: Whether the file is a gzip file.
        scaling: Slope and intercept that make values of stored numbers, None where these are it.
    """

    path: str
    series_uid: str
    geometry: Geometry
    dtype: np.dtype[np.generic]
    voxels_offset: int
    compressed: bool
    scaling: tuple[float, float] | None

    @property
    def inflated_bytes(self) -> int:
        """Bytes of header and voxels, inflated."""
        return self.voxels_offset + math.prod(self.geometry.shape) * self.dtype.itemsize


def series_name(path: str) -> str:
    """Name of a scan by its file.

    Args:
        path: A file `.nii` or `.nii.gz`, or any other.

    Returns:
        The file's name without that ending; the whole name of any other file.
    """
    name = Path(path).name
    ending = next((end for end in (".nii.gz", ".nii") if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)]


def read_header(path: str) -> NiftiHeader:
    """Reads a NIfTI header and checks it against the file.

    Args:
        path: File `.nii`, or `.nii.gz`.

    Returns:
        A header that can be trusted; no voxel has been read.

    Raises:
        ScanError: Anything is missing, impossible or contradicts the file on disk.
    """
    compressed = path.lower().endswith(".gz")
    try:
        with open_regular(path) as file:
            first = _first_bytes(file, compressed)
            size = os.fstat(file.fileno()).st_size
    except (OSError, EOFError, zlib.error) as error:
        raise ScanError(
            f"expected a readable NIfTI file, got {reason_of(error)} in {path}"
        ) from error
    fields = _Fields(path, first)
    header = NiftiHeader(
        path=path,
        series_uid=series_name(path),
        geometry=_geometry(fields, _shape(fields)),
        dtype=_dtype(fields),
        voxels_offset=_voxels_offset(fields),
        compressed=compressed,
        scaling=_scaling(fields),
    )
    _check_stored_size(header, size, fields)
    return header


def _first_bytes(file: BinaryIO, compressed: bool) -> bytes:
    """As many inflated bytes of a file as the longest header has."""
    return gzip.GzipFile(fileobj=file).read(_NIFTI_2) if compressed else file.read(_NIFTI_2)


class _Fields:
    """Fields of one header with an error that names the file."""

    def __init__(self, path: str, first: bytes) -> None:
        """Takes the first bytes of a file apart."""
        # Loading nibabel takes a second and loads scipy, which other layouts do without.
        import nibabel

        self.path = path
        size = first[:4]
        self.order = "<" if int.from_bytes(size, "little") in _MAGIC else ">"
        self.bytes = int.from_bytes(size, "little" if self.order == "<" else "big")
        if self.bytes not in _MAGIC:
            self.refuse(f"a NIfTI header of {_NIFTI_1} or {_NIFTI_2} bytes", f"{size!r} for it")
        if len(first) < self.bytes:
            self.refuse(f"a header of {self.bytes} bytes", f"{len(first)} bytes")
        kind = nibabel.Nifti1Header if self.bytes == _NIFTI_1 else nibabel.Nifti2Header
        self.header: Any = kind(first[: self.bytes], endianness=self.order, check=False)
        magic = bytes(self.header["magic"])
        if magic != _MAGIC[self.bytes]:
            pair = " (voxels in another file)" if magic.startswith(b"ni") else ""
            self.refuse(f"magic {_MAGIC[self.bytes]!r}", f"{magic!r}{pair}")

    def refuse(self, expected: str, got: object) -> NoReturn:
        """Raises ScanError with the file's name."""
        raise ScanError(f"expected {expected}, got {got} in {self.path}")

    def numbers(self, name: str) -> list[Any]:
        """Values of a field as plain Python numbers."""
        return [value.item() for value in np.ravel(self.header[name])]

    def number(self, name: str) -> Any:
        """Value of a field of one number."""
        return self.numbers(name)[0]


def _shape(fields: _Fields) -> tuple[int, int, int]:
    """Sizes (z, y, x), bounded before anything is allocated."""
    dim = fields.numbers("dim")
    if dim[0] != 3 and dim[:1] + dim[4:5] != [4, 1]:
        fields.refuse(
            "3 dimensions, or a fourth of size 1", f"dim {dim[: max(min(dim[0], 7), 0) + 1]}"
        )
    x, y, z = dim[1:4]
    if not (min(x, y, z) > 0 and x * y * z <= MAX_VOXELS):
        fields.refuse(f"dim of 1 to {MAX_VOXELS} voxels", f"{x} x {y} x {z}")
    if max(x, y, z) > MAX_SIZE:
        fields.refuse(f"dim of at most {MAX_SIZE} along an axis", f"{x} x {y} x {z}")
    return z, y, x


def _dtype(fields: _Fields) -> np.dtype[np.generic]:
    """Type of a voxel with its byte order."""
    code, bits = fields.number("datatype"), fields.number("bitpix")
    if code not in _DTYPES:
        label = fields.header.get_value_label("datatype")
        fields.refuse("a datatype of whole or real numbers", f"{code} ({label})")
    dtype = np.dtype(fields.order + _DTYPES[code])
    if bits != dtype.itemsize * 8:
        fields.refuse(f"bitpix {dtype.itemsize * 8} of datatype {code}", bits)
    return dtype


def _voxels_offset(fields: _Fields) -> int:
    """Where the voxels begin."""
    offset = fields.number("vox_offset")
    lowest = fields.bytes + _EXTENSION_FLAG_BYTES
    if not lowest <= offset <= MAX_OFFSET or offset != int(offset):
        fields.refuse(f"vox_offset of {lowest} to {MAX_OFFSET} whole bytes", offset)
    return int(offset)


def _scaling(fields: _Fields) -> tuple[float, float] | None:
    """Slope and intercept; a slope of 0 or NaN means none, by the standard and by its writers."""
    slope, intercept = fields.number("scl_slope"), fields.number("scl_inter")
    if slope == 0 or math.isnan(slope) or (slope, intercept) == (1, 0):
        return None
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        fields.refuse("a finite scl_slope and scl_inter", f"{slope} and {intercept}")
    return slope, intercept


def _check_stored_size(header: NiftiHeader, found: int, fields: _Fields) -> None:
    """Compares the length of the file with what the header promises."""
    expected = header.inflated_bytes
    if expected - header.voxels_offset > MAX_VOXEL_BYTES:
        got = f"{expected - header.voxels_offset} bytes"
        fields.refuse(f"at most {MAX_VOXEL_BYTES} bytes of voxels", got)
    if header.compressed:
        if found * MAX_INFLATION < expected:
            fields.refuse(f"a gzip file that can hold {expected} bytes", f"{found} bytes")
    elif found != expected:
        fields.refuse(f"a file of {expected} bytes", f"{found} bytes")


def _geometry(fields: _Fields, shape: tuple[int, int, int]) -> Geometry:
    """Grid of the volume in LPS from sform or qform, which must agree where both are there."""
    unit = fields.number("xyzt_units") & 7
    if unit not in (_UNKNOWN_UNIT, _MILLIMETRE):
        names = {1: "metres", 3: "micrometres"}
        fields.refuse("xyzt_units of mm", names.get(unit, f"code {unit}"))
    pixdim = _pixdim(fields)
    forms = {}
    if fields.number("sform_code") > 0:
        forms["sform"] = _grid("sform", fields.header.get_sform(), fields, shape)
    if fields.number("qform_code") > 0:
        forms["qform"] = _grid("qform", _qform(fields), fields, shape)
    if not forms:
        fields.refuse("sform or qform to place the volume", "neither (both codes are 0)")
    for name, grid in forms.items():
        if not np.allclose(grid.spacing_mm, pixdim, rtol=_SAME_SPACING, atol=0):
            fields.refuse(
                f"pixdim to be the spacing of the {name}, {_mm(grid.spacing_mm)}", _mm(pixdim)
            )
    if len(forms) == 2:
        _check_agreement(forms["sform"], forms["qform"], fields)
    # The sform comes first, as with other readers.
    return next(iter(forms.values()))


def _pixdim(fields: _Fields) -> tuple[float, float, float]:
    """Spacing (x, y, z) in mm within its limits."""
    x, y, z = fields.numbers("pixdim")[1:4]
    if not all(MIN_SPACING_MM <= mm <= MAX_SPACING_MM for mm in (x, y, z)):
        bounds = f"{MIN_SPACING_MM:g} to {MAX_SPACING_MM:g} mm"
        fields.refuse(f"pixdim of {bounds}", _mm((x, y, z)))
    return x, y, z


def _qform(fields: _Fields) -> Any:
    """The affine of quaternion, pixdim and offsets in RAS."""
    names = ("quatern_b", "quatern_c", "quatern_d")
    quaternion = [fields.number(name) for name in names]
    # Rounding may take the length of a half turn a little beyond 1.
    if not sum(value * value for value in quaternion) <= 1 + 1e-5:
        fields.refuse("a quaternion of length up to 1 in the qform", _numbers(quaternion))
    sign = fields.number("pixdim")
    if sign not in (-1, 0, 1):
        fields.refuse("pixdim[0] of -1 or 1 for the qform", sign)
    # The standard takes 0 for 1, nibabel refuses it.
    fields.header["pixdim"][0] = sign or 1
    return fields.header.get_qform()


def _grid(name: str, affine: Any, fields: _Fields, shape: tuple[int, int, int]) -> Geometry:
    """The grid of an affine from index (i, j, k) to RAS."""
    if not np.isfinite(affine).all():
        fields.refuse(f"finite numbers in the {name}", _rows(affine))
    # RAS to LPS: x and y run the other way.
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, dtype=np.float64)
    steps, origin_mm = lps[:3, :3], lps[:3, 3]
    spacing_mm = np.linalg.norm(steps, axis=0)
    # Adding zero turns -0.0 into 0.0.
    cosines = steps / np.where(spacing_mm > 0, spacing_mm, 1.0) + 0.0
    direction = tuple(float(cosine) for cosine in cosines.ravel())
    if not is_orthonormal(direction):
        fields.refuse(f"axes of the {name} at right angles", _rows(affine))
    if np.abs(origin_mm).max() > MAX_COORDINATE_MM:
        fields.refuse(f"an origin within ±{MAX_COORDINATE_MM:g} mm in the {name}", _rows(affine))
    origin, spacing = (
        tuple(float(mm) for mm in values + 0.0) for values in (origin_mm, spacing_mm)
    )
    return Geometry(
        shape, (origin[0], origin[1], origin[2]), (spacing[0], spacing[1], spacing[2]), direction
    )


def _check_agreement(sform: Geometry, qform: Geometry, fields: _Fields) -> None:
    """Refuses two forms that place the volume differently."""
    apart_mm = sform.distance_mm(qform)
    if apart_mm > _SAME_PLACE_MM:
        places = (
            f"sform {_rows(fields.header.get_sform())} and qform {_rows(fields.header.get_qform())}"
        )
        fields.refuse("sform and qform to be the same", f"{apart_mm:.3g} mm between {places}")


def _mm(values: tuple[float, ...]) -> str:
    """Numbers in mm for a message."""
    return f"{_numbers(values)} mm"


def _numbers(values: Any) -> str:
    """Numbers for a message."""
    return " ".join(f"{value:.6g}" for value in values)


def _rows(affine: Any) -> str:
    """The first three rows of an affine for a message."""
    return "[" + "; ".join(_numbers(row) for row in affine[:3]) + "]"
