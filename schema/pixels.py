"""How pixels become bytes in the file of a scan.

The low bytes of Hounsfield units are mostly noise, in which zlib finds nothing and loses time; the
high bytes hardly change from pixel to pixel. So int16 is written as all low bytes, as they are, and
all high bytes, as a zlib stream: for CT this is smaller than one stream of both, and read faster.
Of a mask the bytes from the first to the last that is not 0 are written, as a zlib stream after the
place of the first.

They are written by zlib and read by isal, which is several times as fast. Written by isal the same
pixels gave, rarely and on busy machines, other bytes, of which a cache would make other examples.
"""

import math
import struct
import zlib

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

# The fastest level; what it is given is either noise or nearly constant.
_LEVEL = 1
_PLACE = struct.Struct("<I")
_Bytes = npt.NDArray[np.uint8]


def pack(pixels: npt.NDArray[np.int16] | npt.NDArray[np.uint8]) -> bytes:
    """Packs an array; its shape and type travel beside it.

    Args:
        pixels: Any shape.

    Returns:
        The same bytes for the same array always.
    """
    if pixels.dtype == np.uint8:
        return _pack_mask(np.ascontiguousarray(pixels, np.uint8).ravel())
    low, high = np.ascontiguousarray(pixels, "<i2").reshape(-1, 1).view(np.uint8).T
    return bytes(low.tobytes() + zlib.compress(high.tobytes(), _LEVEL))


def unpack(data: bytes, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """Reads what `pack` wrote.

    Args:
        data: The packed bytes.
        shape: Shape of the array.
        dtype: Its type, int16 or uint8.

    Returns:
        The array.

    Raises:
        ValueError: The bytes are damaged, or of another size.
    """
    is_mask = np.dtype(dtype) == np.uint8
    size = math.prod(shape)
    if len(data) < (_PLACE.size if is_mask else size):
        raise ValueError(f"expected packed pixels of shape {shape}, got {len(data)} bytes")
    try:
        return (_unpack_mask if is_mask else _unpack_hu)(data, size).reshape(shape)
    except isal_zlib.error as error:  # type: ignore[misc]  # in its stub an instance
        raise ValueError(f"expected packed pixels, got {len(data)} bytes: {error}") from error


def _pack_mask(mask: _Bytes) -> bytes:
    used = np.flatnonzero(mask)
    if not len(used):
        return _PLACE.pack(0)
    part = mask[used[0] : used[-1] + 1]
    return bytes(_PLACE.pack(used[0]) + zlib.compress(part.data, _LEVEL))


def _unpack_mask(data: bytes, size: int) -> npt.NDArray[np.generic]:
    mask = np.zeros(size, np.uint8)
    if len(data) > _PLACE.size:
        (first,) = _PLACE.unpack_from(data)
        part = _inflate(memoryview(data)[_PLACE.size :], size)
        if first + len(part) > size:
            raise ValueError(f"expected a mask of {size} bytes, got {len(part)} from {first} on")
        mask[first : first + len(part)] = part
    return mask


def _unpack_hu(data: bytes, size: int) -> npt.NDArray[np.generic]:
    both = np.empty((size, 2), np.uint8)
    both[:, 0] = np.frombuffer(data, np.uint8, size)
    high = _inflate(memoryview(data)[size:], size)
    if len(high) != size:
        raise ValueError(f"expected {size} high bytes of packed pixels, got {len(high)}")
    both[:, 1] = high
    return both.view("<i2").astype(np.int16, copy=False)[:, 0]


def _inflate(data: memoryview, size: int) -> _Bytes:
    """The bytes of a zlib stream, about so many."""
    return np.frombuffer(isal_zlib.decompress(data, bufsize=max(size, 1)), np.uint8)
