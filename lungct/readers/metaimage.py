"""MetaImage files (.mhd with .raw or .zraw, .mha) read with every byte accounted for, and written.

`.mha` files, which hold header and voxels, are read only.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.files import open_regular, whole_file
from lungct.geometry import Geometry, direction_matrix
from lungct.readers.hounsfield import to_hounsfield
from lungct.readers.metaimage_header import MetaHeader, read_header
from lungct.readers.streams import inflate
from lungct.scan import Scan, ScanError

_ELEMENT_TYPES = {"int16": "MET_SHORT", "uint8": "MET_UCHAR", "float32": "MET_FLOAT"}


def read_scan(path: str) -> Scan:
    """Reads a scan of which every voxel comes from the bytes that its header names.

    Args:
        path: Header file, `.mhd`, or `.mha` that holds the voxels too.

    Returns:
        The scan with int16 Hounsfield units clipped to HU_MIN..HU_MAX, and what was repaired.

    Raises:
        ScanError: The header or the voxels can't be trusted, or the values can't be HU.
    """
    header = read_header(path)
    hu, repairs = to_hounsfield(read_voxels(header), path)
    return Scan(header.series_uid, hu, header.geometry, repairs)


def read_voxels(header: MetaHeader) -> npt.NDArray[Any]:
    """Voxels as they are stored, in the byte order of this machine.

    Args:
        header: A header that passed the preflight.

    Returns:
        (z, y, x) array of the stored type, writable.

    Raises:
        ScanError: The file changed, can't be read, or is no stream of the promised length.
    """
    voxels = np.empty(header.geometry.shape, dtype=header.dtype)
    buffer = voxels.reshape(-1).view(np.uint8).data
    try:
        with open_regular(header.voxels_path) as file:
            file.seek(header.voxels_offset)
            filled = inflate(file, buffer) if header.compressed else file.readinto(buffer)
            whole = filled == len(buffer) and not file.read(1)
    except (OSError, zlib.error) as error:
        raise ScanError(f"expected readable voxels, got {error} in {header.path}") from error
    if not whole:
        raise ScanError(
            f"expected exactly {len(buffer)} bytes of voxels, got {filled} of a file or stream "
            f"that is shorter, longer or unfinished in {header.path}"
        )
    return (
        voxels
        if header.dtype.isnative
        else voxels.byteswap(inplace=True).view(header.dtype.newbyteorder("="))
    )


def write_scan(
    path: str,
    volume: npt.NDArray[Any],
    geometry: Geometry,
    compressed: bool = False,
    comment: str = "",
) -> None:
    """Writes a volume as MetaImage in the way of LUNA16.

    The voxels are written before the header and both are renamed into place, so that a header
    that is there has its voxels.

    Args:
        path: Header file, `.mhd`; the voxels go beside it as `.raw` or `.zraw`.
        volume: (z, y, x) int16 Hounsfield units, uint8 mask, or float32 probabilities.
        geometry: Its grid.
        compressed: Whether to write a zlib stream.
        comment: One line for whoever reads the header.

    Raises:
        ValueError: The volume is of another type, or of another shape than its grid.
    """
    if volume.dtype.name not in _ELEMENT_TYPES:
        raise ValueError(
            f"expected {', '.join(_ELEMENT_TYPES)} voxels, got {volume.dtype.name} for {path}"
        )
    if volume.shape != geometry.shape:
        raise ValueError(f"expected the grid's shape {geometry.shape}, got {volume.shape}")
    voxels_path = Path(path).with_suffix(".zraw" if compressed else ".raw")
    little_endian = np.ascontiguousarray(volume).astype(volume.dtype.newbyteorder("<"), copy=False)
    data = zlib.compress(little_endian.tobytes(), 1) if compressed else little_endian.data
    with whole_file(voxels_path) as file:
        file.write(data)
    fields = _header_fields(volume, geometry)
    if comment:
        fields = {"Comment": comment, **fields}
    if compressed:
        fields["CompressedData"] = f"True\nCompressedDataSize = {len(data)}"
    fields["ElementDataFile"] = voxels_path.name
    text = "".join(f"{name} = {value}\n" for name, value in fields.items())
    with whole_file(path) as file:
        file.write(text.encode())


def _header_fields(volume: npt.NDArray[Any], geometry: Geometry) -> dict[str, str]:
    """Header of an uncompressed volume without its last line, in MetaImage's order."""
    # MetaImage lists the direction of each index axis in turn: the columns of ITK's matrix.
    matrix = direction_matrix(geometry.direction).T.ravel()
    return {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": _numbers(matrix),
        "Offset": _numbers(geometry.origin_mm),
        "CenterOfRotation": "0 0 0",
        "AnatomicalOrientation": "RAI",
        "ElementSpacing": _numbers(geometry.spacing_mm),
        "DimSize": _numbers(geometry.shape[::-1]),
        "ElementType": _ELEMENT_TYPES[volume.dtype.name],
    }


def _numbers(values: Any) -> str:
    """Numbers separated by blanks, with all the digits that a float has."""
    return " ".join(f"{float(value):.17g}" for value in values)
