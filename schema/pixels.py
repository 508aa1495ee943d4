"""How pixels become bytes in the file of a scan.

The low bytes of Hounsfield units are mostly noise, in which zlib finds nothing and loses time; the
high bytes hardly change from pixel to pixel. So int16 is written as all low bytes, as they are, and
all high bytes, as a zlib stream: for CT this is smaller than one stream of both, and read faster.
Masks are one zlib stream.
"""

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

# The fastest level; what it is given is either noise or nearly constant.
_LEVEL = 1
_Bytes = npt.NDArray[np.uint8]


def pack(pixels: npt.NDArray[np.int16] | npt.NDArray[np.uint8]) -> bytes:
    """Packs an array; its shape and type travel beside it.

    Args:
        pixels: Any shape.

    Returns:
        The same bytes for the same array always.
    """
    if pixels.dtype == np.uint8:
        return bytes(isal_zlib.compress(np.ascontiguousarray(pixels), _LEVEL))
    low, high = np.ascontiguousarray(pixels, "<i2").reshape(-1, 1).view(np.uint8).T
    return bytes(low.tobytes() + isal_zlib.compress(high.tobytes(), _LEVEL))


def unpack(data: bytes, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """Reads what `pack` wrote.

    Args:
        data: The packed bytes.
        shape: Shape of the array.
        dtype: Its type, int16 or uint8.

    Returns:
        The array; one of uint8 is read-only.

    Raises:
        ValueError: The bytes are damaged, or of another size.
    """
    size = int(np.prod(shape))
    if np.dtype(dtype) == np.uint8:
        return _inflate(data, size).reshape(shape)
    if len(data) < size:
        raise ValueError(f"expected packed pixels of shape {shape}, got {len(data)} bytes")
    both = np.empty((size, 2), np.uint8)
    both[:, 0] = np.frombuffer(data, np.uint8, size)
    both[:, 1] = _inflate(memoryview(data)[size:], size)
    return both.view("<i2").astype(np.int16, copy=False).reshape(shape)


def _inflate(data: bytes | memoryview, size: int) -> _Bytes:
    """The bytes of a zlib stream, which must be so many."""
    try:
        content = isal_zlib.decompress(data, bufsize=max(size, 1))
    except isal_zlib.error as error:  # type: ignore[misc]  # in its stub an instance
        raise ValueError(f"expected packed pixels, got {len(data)} bytes: {error}") from error
    if len(content) != size:
        raise ValueError(f"expected {size} bytes of packed pixels, got {len(content)}")
    return np.frombuffer(content, np.uint8)
