"""NIfTI files made field by field, good ones and bad ones."""

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from lungct.geometry import Geometry

# Voxels of 0.7 x 0.8 x 2.5 mm, x first.
GEOMETRY = Geometry((6, 8, 10), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))
HU = np.random.default_rng(0).integers(-1000, 400, GEOMETRY.shape).astype(np.int16)


def affine_of(geometry: Geometry) -> np.ndarray:
    """4 x 4 from index (i, j, k) to RAS, of which x and y run against LPS."""
    steps = np.asarray(geometry.direction).reshape(3, 3) * geometry.spacing_mm
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = steps, geometry.origin_mm
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def header_of(volume: np.ndarray, geometry: Geometry = GEOMETRY, version: int = 1) -> Any:
    """A header whose sform and qform place a (z, y, x) volume on a grid."""
    kind = {1: nibabel.Nifti1Header, 2: nibabel.Nifti2Header}[version]
    header = kind(endianness="<")
    header.set_data_dtype(volume.dtype)
    header.set_data_shape(volume.shape[::-1])
    header.set_zooms(geometry.spacing_mm)
    header.set_qform(affine_of(geometry), 1)
    header.set_sform(affine_of(geometry), 1)
    header.set_xyzt_units("mm")
    header["vox_offset"] = 352 if version == 1 else 544
    header["magic"] = b"n+1" if version == 1 else b"n+2"
    return header


def change(header: Any, **fields: Any) -> Any:
    """Sets fields; a name such as dim_4 is one number of the field dim."""
    for name, value in fields.items():
        field, _, place = name.rpartition("_")
        if field in ("dim", "pixdim"):
            header[field][int(place)] = value
        else:
            header[name] = value
    return header


def content(volume: np.ndarray = HU, header: Any = None, **fields: Any) -> bytes:
    """A whole file, not compressed."""
    header = change(header_of(volume) if header is None else header, **fields)
    return header.binaryblock + bytes(4) + volume.tobytes()


def write(path: Path, data: bytes) -> str:
    """Writes a file, compressed if its name says so."""
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)
