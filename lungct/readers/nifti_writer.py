"""Volumes written as NIfTI, for viewers and for those who read no MetaImage."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.files import whole_file
from lungct.geometry import Geometry, direction_matrix

# NIfTI-1 counts voxels in 16 bits.
_MOST_OF_NIFTI_1 = np.iinfo(np.int16).max

# World coordinates of NIfTI are RAS, ours are LPS.
_TO_RAS = np.array([-1.0, -1.0, 1.0])

_SCANNER_COORDINATES = 1

# Nothing follows the header but the voxels.
_NO_EXTENSION = bytes(4)


def write_nifti(
    path: str,
    volume: npt.NDArray[Any],
    geometry: Geometry,
    slope: float = 1.0,
    description: str = "",
) -> None:
    """Writes a volume as one gzip-compressed NIfTI file, the same bytes for the same volume.

    The grid is written both as sform and as qform; where it has more than 32,767 voxels along an
    axis the file is NIfTI-2.

    Args:
        path: The file, `.nii.gz`; replaced where it exists.
        volume: (z, y, x) of int16, uint8 or float32; index axes x, y and z become i, j and k.
        geometry: Its grid.
        slope: What a step of the stored numbers is worth.
        description: A few words for whoever reads the header, at most 79 characters of ASCII.

    Raises:
        ValueError: The volume is of another shape than its grid.
        OSError: It can't be written; what was there before stays.
    """
    if volume.shape != geometry.shape:
        raise ValueError(f"expected the grid's shape {geometry.shape}, got {volume.shape}")
    header = _header(volume, geometry)
    if slope != 1:
        header.set_slope_inter(slope, 0.0)
    header["descrip"] = description.encode("ascii")
    dtype = header.get_data_dtype()
    with whole_file(path) as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
        packed.write(header.binaryblock + _NO_EXTENSION)
        for plane in volume:  # no second volume is made
            packed.write(np.ascontiguousarray(plane, dtype).data)


def _header(volume: npt.NDArray[Any], geometry: Geometry) -> Any:
    """The header of a file of one volume."""
    # nibabel loads scipy, which others do without.
    import nibabel

    small = max(volume.shape) <= _MOST_OF_NIFTI_1
    kind: Any = nibabel.Nifti1Header if small else nibabel.Nifti2Header
    header = kind(endianness="<")
    header.set_data_dtype(volume.dtype)
    header.set_data_shape(volume.shape[::-1])
    header["vox_offset"] = len(header.binaryblock) + len(_NO_EXTENSION)
    affine = _ras_affine(geometry)
    header.set_sform(affine, _SCANNER_COORDINATES)
    header.set_qform(affine, _SCANNER_COORDINATES)
    header.set_xyzt_units("mm")
    return header


def _ras_affine(geometry: Geometry) -> npt.NDArray[np.float64]:
    """4 x 4 matrix from index (i, j, k) to RAS world in mm."""
    affine = np.eye(4)
    steps = direction_matrix(geometry.direction) * np.asarray(geometry.spacing_mm)
    affine[:3, :3] = _TO_RAS[:, None] * steps
    affine[:3, 3] = _TO_RAS * geometry.origin_mm
    return affine
