"""Packed pixels are the same array again."""

import zlib
from typing import Any

import numpy as np
import pytest

from schema.pixels import pack, unpack

HU = np.array([[-1024, 0, 1], [256, 3071, -1]], np.int16)
MASK = np.array([[0, 255, 7], [0, 0, 1]], np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        HU,
        HU.T,
        HU.astype(">i2"),
        np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)[:, ::2],
        np.empty((0, 3), np.int16),
        MASK,
        MASK.T,
        np.zeros((2, 3), np.uint8),
        np.full((2, 3), 9, np.uint8),
        np.empty((0, 3), np.uint8),
    ],
    ids=[
        "HU",
        "other order",
        "other bytes",
        "part",
        "none",
        "mask",
        "its other order",
        "empty mask",
        "full mask",
        "no mask",
    ],
)
def test_an_array_comes_back(pixels: Any) -> None:
    kind = pixels.dtype.newbyteorder("=")
    found = unpack(pack(pixels), pixels.shape, kind)
    assert found.dtype == kind and found.dtype.isnative
    np.testing.assert_array_equal(found, pixels)


def test_hu_are_low_bytes_and_then_a_stream_of_high_bytes() -> None:
    packed = pack(HU[:, :2])
    # -1024 is 0xFC00, 256 is 0x0100, 3071 is 0x0BFF.
    assert packed[:4] == b"\x00\x00\x00\xff"
    assert zlib.decompress(packed[4:]) == b"\xfc\x00\x01\x0b"


def test_a_mask_is_the_place_of_its_first_byte_and_then_a_stream() -> None:
    packed = pack(MASK)
    assert packed[:4] == b"\x01\x00\x00\x00"
    assert zlib.decompress(packed[4:]) == b"\xff\x07\x00\x00\x01"
    assert pack(np.zeros((2, 3), np.uint8)) == b"\x00\x00\x00\x00"


def test_the_same_array_gives_the_same_bytes() -> None:
    assert pack(HU) == pack(HU.astype(">i2")) == pack(np.asfortranarray(HU))


@pytest.mark.parametrize("pixels", [HU, MASK], ids=["HU", "mask"])
@pytest.mark.parametrize("end", [b"", b"sums"], ids=["truncated", "other checksum"])
def test_what_is_damaged_is_refused(pixels: Any, end: bytes) -> None:
    data = pack(pixels)[:-4] + end
    with pytest.raises(ValueError, match="expected packed pixels, got .* bytes: "):
        unpack(data, (2, 3), pixels.dtype)


def test_a_mask_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pixels of shape \(2, 3\), got 3 "):
        unpack(b"abc", (2, 3), np.uint8)


@pytest.mark.parametrize("data", [b"", b"short"])
def test_hu_of_too_few_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=rf"pixels of shape \(2, 3\), got {len(data)} "):
        unpack(data, (2, 3), np.int16)


@pytest.mark.parametrize("shape", [(2, 2), (0, 3)])
def test_a_mask_that_is_too_large_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected a mask of . bytes, got 5 from 1 on"):
        unpack(pack(MASK), shape, np.uint8)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (0, 3)])
def test_hu_of_another_size_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected .*packed pixels"):
        unpack(pack(HU), shape, np.int16)
