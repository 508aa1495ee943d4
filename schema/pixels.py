"""How pixels become bytes: zlib over little-endian values in C order."""

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

# The fastest level; noise leaves little for the others to find.
_LEVEL = 1


def pack(pixels: npt.NDArray[np.generic]) -> bytes:
    """Packs an array; its shape and type travel beside it.

    Args:
        pixels: int16 or uint8, any shape.

    Returns:
        A zlib stream that `tf.io.decode_compressed` reads too, the same for the same array.
    """
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return bytes(isal_zlib.compress(little, _LEVEL))


def unpack(data: bytes, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """Reads what `pack` wrote.

    Args:
        data: The packed bytes.
        shape: Shape of the array.
        dtype: Its type.

    Returns:
        The array, read-only.

    Raises:
        ValueError: The bytes are no stream, or of another size.
    """
    kind = np.dtype(dtype).newbyteorder("<")
    expected = int(np.prod(shape)) * kind.itemsize
    try:
        content = isal_zlib.decompress(data, bufsize=max(expected, 1))
    except isal_zlib.error as error:  # type: ignore[misc]  # in its stub an instance
        raise ValueError(f"expected packed pixels, got {len(data)} bytes: {error}") from error
    if len(content) != expected:
        raise ValueError(f"expected {expected} bytes for shape {shape}, got {len(content)}")
    return np.frombuffer(content, kind).astype(np.dtype(dtype), copy=False).reshape(shape)
