"""Predicted masks in files: numpy's compressed archive.

It holds `bits`, uint8, eight voxels in C order each, and `shape`, int64, one of each axis.
"""

import io
import math
import zipfile
import zlib

import numpy as np

from lungct.metrics import Mask

_NO_ARCHIVE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)


def mask_bytes(mask: Mask) -> bytes:
    """The file of a mask, the same for the same mask always.

    Args:
        mask: bool of any shape, such as (slices, rows, columns).
    """
    file = io.BytesIO()
    np.savez_compressed(file, bits=np.packbits(mask), shape=np.array(mask.shape, np.int64))
    return file.getvalue()


def read_mask(content: bytes) -> Mask:
    """Reads what `mask_bytes` made.

    Args:
        content: All bytes of the file.

    Returns:
        The mask, bool, in its shape.

    Raises:
        ValueError: It is something else.
    """
    try:
        with np.load(io.BytesIO(content)) as arrays:
            bits, shape = arrays["bits"], tuple(int(size) for size in arrays["shape"])
    except _NO_ARCHIVE as error:
        raise ValueError(f"expected a mask, got {len(content)} bytes: {error}") from error
    voxels = math.prod(shape)
    if len(bits) != math.ceil(voxels / 8):
        raise ValueError(f"expected bits of a mask of shape {shape}, got {len(bits)} bytes")
    return np.unpackbits(bits, count=voxels).astype(np.bool_).reshape(shape)
