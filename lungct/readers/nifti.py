"""NIfTI files (.nii, .nii.gz) read with every byte accounted for."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.files import open_regular, reason_of
from lungct.readers.hounsfield import to_hounsfield
from lungct.readers.nifti_header import NiftiHeader, read_header
from lungct.readers.streams import inflate
from lungct.scan import Scan, ScanError


def read_scan(path: str) -> Scan:
    """Reads a scan of which every voxel comes from the bytes that its header promises.

    Args:
        path: File `.nii`, or `.nii.gz`.

    Returns:
        The scan with (z, y, x) int16 Hounsfield units clipped to HU_MIN..HU_MAX, its grid in LPS,
        and what was repaired.

    Raises:
        ScanError: The header or the voxels can't be trusted, or the values can't be HU.
    """
    header = read_header(path)
    hu, repairs = to_hounsfield(read_values(header), path)
    if header.scaling is not None:
        slope, intercept = header.scaling
        repairs = (f"scl_slope {slope:g} and scl_inter {intercept:g} applied", *repairs)
    return Scan(header.series_uid, hu, header.geometry, repairs)


def read_values(header: NiftiHeader) -> npt.NDArray[Any]:
    """Values of all voxels, slope and intercept applied, in the byte order of this machine.

    Args:
        header: A header that passed the preflight.

    Returns:
        (z, y, x) array, writable: of the stored type without scaling, otherwise float32, which
        holds every HU exactly.

    Raises:
        ScanError: The file changed, can't be read, or is no stream of the promised length.
    """
    stored = _stored_bytes(header)[header.voxels_offset :].view(header.dtype)
    # NIfTI's first index runs fastest. Voxels may begin at any byte: those that need it are moved.
    voxels = np.require(stored.reshape(header.geometry.shape), requirements="A")
    if header.scaling is not None:
        return _scaled(voxels, *header.scaling)
    if header.dtype.isnative:
        return voxels
    return voxels.byteswap(inplace=True).view(header.dtype.newbyteorder("="))


def _stored_bytes(header: NiftiHeader) -> npt.NDArray[np.uint8]:
    """The whole file, inflated."""
    whole = np.empty(header.inflated_bytes, dtype=np.uint8)
    try:
        with open_regular(header.path) as file:
            filled = inflate(file, whole.data) if header.compressed else file.readinto(whole.data)
            complete = filled == len(whole) and not file.read(1)
    except (OSError, zlib.error) as error:
        raise ScanError(
            f"expected readable voxels, got {reason_of(error)} in {header.path}"
        ) from error
    if not complete:
        raise ScanError(
            f"expected exactly {len(whole)} bytes, got {filled} of a file or stream that is "
            f"shorter, longer or unfinished in {header.path}"
        )
    return whole


def _scaled(voxels: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[np.float32]:
    """Values of stored numbers, slice by slice, so that no second wide volume is held."""
    values = np.empty(voxels.shape, dtype=np.float32)
    # What is beyond a float32 becomes infinite and is refused as that.
    with np.errstate(over="ignore"):
        for source, target in zip(voxels, values, strict=True):
            target[...] = source.astype(np.float64) * slope + intercept
    return values
