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
from typing import BinaryIO

import numpy as np

from lungct.files import open_regular, reason_of
from lungct.geometry import Geometry
from lungct.limits import MAX_SIZE, MAX_VOXEL_BYTES, MAX_VOXELS
from lungct.readers.nifti_fields import NIFTI_2, NiftiFields
from lungct.readers.nifti_grid import read_grid
from lungct.readers.streams import MAX_INFLATION
from lungct.scan import ScanError

# Extensions lie between header and voxels.
MAX_OFFSET = 1 << 24

# Four bytes after the header say whether extensions follow.
_EXTENSION_FLAG_BYTES = 4

# How a voxel may be stored, by the field datatype; the others are colours, complex numbers, bits
# and floats of 16 bytes.
_DTYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"},
    **{256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"},
}


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
    fields = NiftiFields(path, first)
    header = NiftiHeader(
        path=path,
        series_uid=series_name(path),
        geometry=read_grid(fields, _shape(fields)),
        dtype=_dtype(fields),
        voxels_offset=_voxels_offset(fields),
        compressed=compressed,
        scaling=_scaling(fields),
    )
    _check_stored_size(header, size, fields)
    return header


def _first_bytes(file: BinaryIO, compressed: bool) -> bytes:
    """As many inflated bytes of a file as the longest header has."""
    return gzip.GzipFile(fileobj=file).read(NIFTI_2) if compressed else file.read(NIFTI_2)


def _shape(fields: NiftiFields) -> tuple[int, int, int]:
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


def _dtype(fields: NiftiFields) -> np.dtype[np.generic]:
    """Type of a voxel with its byte order."""
    code, bits = fields.number("datatype"), fields.number("bitpix")
    if code not in _DTYPES:
        label = fields.header.get_value_label("datatype")
        fields.refuse("a datatype of whole or real numbers", f"{code} ({label})")
    dtype = np.dtype(fields.order + _DTYPES[code])
    if bits != dtype.itemsize * 8:
        fields.refuse(f"bitpix {dtype.itemsize * 8} of datatype {code}", bits)
    return dtype


def _voxels_offset(fields: NiftiFields) -> int:
    """Where the voxels begin."""
    offset = fields.number("vox_offset")
    lowest = fields.bytes + _EXTENSION_FLAG_BYTES
    if not lowest <= offset <= MAX_OFFSET or offset != int(offset):
        fields.refuse(f"vox_offset of {lowest} to {MAX_OFFSET} whole bytes", offset)
    return int(offset)


def _scaling(fields: NiftiFields) -> tuple[float, float] | None:
    """Slope and intercept; a slope of 0 or NaN means none, by the standard and by its writers."""
    slope, intercept = fields.number("scl_slope"), fields.number("scl_inter")
    if slope == 0 or math.isnan(slope) or (slope, intercept) == (1, 0):
        return None
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        fields.refuse("a finite scl_slope and scl_inter", f"{slope} and {intercept}")
    return slope, intercept


def _check_stored_size(header: NiftiHeader, found: int, fields: NiftiFields) -> None:
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
