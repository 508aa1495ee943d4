"""Masks in files."""

import io

import numpy as np
import pytest

from schema.masks import mask_bytes, read_mask

MASK = np.arange(2 * 3 * 5).reshape(2, 3, 5) % 7 == 0  # 30 voxels in 4 bytes


def test_a_mask_comes_back() -> None:
    np.testing.assert_array_equal(read_mask(mask_bytes(MASK)), MASK)
    assert read_mask(mask_bytes(MASK)).dtype == bool
    assert mask_bytes(MASK) == mask_bytes(MASK.copy())


def test_a_mask_without_voxels() -> None:
    assert read_mask(mask_bytes(np.zeros((0, 3, 5), bool))).shape == (0, 3, 5)


def other_archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, other=MASK)
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"no archive", mask_bytes(MASK)[:-9], other_archive()])
def test_what_is_no_mask_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=f"expected a mask, got {len(content)} bytes"):
        read_mask(content)


def test_too_few_bits_are_refused() -> None:
    file = io.BytesIO()
    np.savez(file, bits=np.packbits(MASK)[:-1], shape=MASK.shape)
    with pytest.raises(ValueError, match=r"shape \(2, 3, 5\), got 3 bytes"):
        read_mask(file.getvalue())
