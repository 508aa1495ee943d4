"""Packed pixels are the same array again, in TensorFlow too."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from schema.pixels import pack, unpack

HU = np.array([[-1024, 0, 1], [256, 3071, -1]], np.int16)


@pytest.mark.parametrize(
    "pixels",
    [
        HU,
        HU.T,
        HU.astype(">i2"),
        np.arange(60, dtype=np.uint8).reshape(3, 4, 5)[:, ::2],
        np.empty((0, 3), np.uint8),
    ],
    ids=["HU", "other order", "other bytes", "part", "none"],
)
def test_an_array_comes_back(pixels: Any) -> None:
    kind = pixels.dtype.newbyteorder("=")
    found = unpack(pack(pixels), pixels.shape, kind)
    assert found.dtype == kind and found.dtype.isnative
    np.testing.assert_array_equal(found, pixels)


def test_bytes_are_little_endian_in_the_order_of_c() -> None:
    plain = tf.io.decode_compressed(pack(HU[:, :2]), "ZLIB").numpy()
    # -1024 is 0xFC00, 256 is 0x0100, 3071 is 0x0BFF.
    assert plain == b"\x00\xfc\x00\x00\x00\x01\xff\x0b"


def test_the_same_array_gives_the_same_bytes() -> None:
    assert pack(HU) == pack(HU.astype(">i2")) == pack(np.asfortranarray(HU))


@pytest.mark.parametrize(
    "data",
    [b"", b"no stream", pack(HU)[:-1], pack(HU)[:-4] + b"sums"],
    ids=["empty", "none", "truncated", "other checksum"],
)
def test_what_is_no_stream_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=f"expected packed pixels, got {len(data)} bytes: "):
        unpack(data, (2, 3), np.int16)


@pytest.mark.parametrize(("shape", "bytes_"), [((2, 2), 8), ((3, 3), 18), ((0, 3), 0)])
def test_another_size_is_refused(shape: tuple[int, ...], bytes_: int) -> None:
    with pytest.raises(ValueError, match=rf"expected {bytes_} bytes for shape .*, got 12"):
        unpack(pack(HU), shape, np.int16)
