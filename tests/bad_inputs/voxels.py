"""Voxels that are missing, broken, or of another type."""

import zlib

import numpy as np

from tests.bad_inputs.case import (
    ACCEPTED,
    QUARANTINED,
    REPAIRED,
    BadInput,
    Case,
    good_hu,
    register,
)
from tests.lungct import chest

ALL: list[BadInput] = []

# 44 x 60 x 80 voxels of 2 bytes.
_WHOLE = "expected 422400 bytes of voxels, got "


@register(ALL, QUARANTINED, _WHOLE + "'422398 bytes'")
def raw_too_short(case: Case) -> None:
    case.raw.write_bytes(case.raw.read_bytes()[:-2])


@register(ALL, QUARANTINED, _WHOLE + "'0 bytes'")
def raw_empty(case: Case) -> None:
    case.raw.write_bytes(b"")


@register(ALL, QUARANTINED, "regular file that is there, got '1.2.3.raw'")
def raw_missing(case: Case) -> None:
    case.raw.unlink()


@register(ALL, QUARANTINED, _WHOLE + "'422401 bytes'")
def raw_too_long(case: Case) -> None:
    case.raw.write_bytes(case.raw.read_bytes() + b"x")


@register(ALL, QUARANTINED, "readable voxels, got Error -3 .* incorrect data check")
def zraw_of_another_checksum(case: Case) -> None:
    case.compress()
    data = bytearray(case.zraw.read_bytes())
    data[-1] ^= 4
    case.zraw.write_bytes(data)


@register(ALL, QUARANTINED, "readable voxels, got Error -3 .* invalid block type")
def zraw_corrupt(case: Case) -> None:
    case.compress()
    data = bytearray(case.zraw.read_bytes())
    data[2] |= 6  # behind the two bytes of zlib's header: both bits of the type, which no block has
    case.zraw.write_bytes(data)


@register(ALL, QUARANTINED, "exactly 422400 bytes of voxels, got -1")
def zraw_too_short(case: Case) -> None:
    case.compress()
    case.zraw.write_bytes(case.zraw.read_bytes()[:-4])


@register(ALL, QUARANTINED, "stream that can hold 422400 bytes, got '0 bytes'")
def zraw_empty(case: Case) -> None:
    case.compress()
    case.zraw.write_bytes(b"")


@register(ALL, QUARANTINED, "exactly 422400 bytes of voxels, got -1")
def zraw_with_bytes_behind(case: Case) -> None:
    case.compress()
    case.zraw.write_bytes(case.zraw.read_bytes() + b"x")


@register(ALL, QUARANTINED, "exactly 422400 bytes of voxels, got -1")
def zraw_of_two_streams(case: Case) -> None:
    case.compress()
    data = good_hu().tobytes()
    case.zraw.write_bytes(zlib.compress(data[:200_000]) + zlib.compress(data[200_000:]))


@register(ALL, QUARANTINED, "exactly 422400 bytes of voxels, got 422398")
def zraw_inflates_to_less(case: Case) -> None:
    case.compress()
    case.zraw.write_bytes(zlib.compress(good_hu().tobytes()[:-2]))


@register(ALL, QUARANTINED, "expected 422400 bytes of voxels")
def zraw_declared_uncompressed(case: Case) -> None:
    case.compress()
    case.change(CompressedData="False")


@register(ALL, QUARANTINED, "readable voxels, got Error -3")
def raw_declared_compressed(case: Case) -> None:
    case.change(CompressedData="True")


@register(ALL, QUARANTINED, "CompressedDataSize = .* as on disk, got '5'")
def compressed_size_wrong(case: Case) -> None:
    case.compress()
    case.change(CompressedDataSize="5")


@register(ALL, QUARANTINED, "exactly 422400 bytes of voxels, got -1")
def zraw_inflates_past_its_bound(case: Case) -> None:
    # 200 MB of zeros in 200 kB.
    case.compress()
    case.zraw.write_bytes(zlib.compress(bytes(200_000_000), 1))


@register(ALL, QUARANTINED, "stream that can hold 2000000000 bytes")
def zraw_too_small_for_its_header(case: Case) -> None:
    case.compress()
    case.change(DimSize="1000 1000 1000")


def _store(case: Case, values: np.ndarray, element_type: str) -> None:
    """Stores voxels of another type."""
    case.raw.write_bytes(values.tobytes())
    case.change(ElementType=element_type)


@register(ALL, REPAIRED, "uint16 values taken to int16 HU, 1024 subtracted", like_good=True)
def unsigned_with_an_offset(case: Case) -> None:
    _store(case, (good_hu() + 1024).astype("<u2"), "MET_USHORT")


@register(ALL, REPAIRED, "float32 values taken to int16 HU", like_good=True)
def float_hounsfield_units(case: Case) -> None:
    _store(case, good_hu().astype("<f4"), "MET_FLOAT")


@register(ALL, REPAIRED, "float64 values taken to int16 HU", like_good=True)
def double_hounsfield_units(case: Case) -> None:
    _store(case, good_hu().astype("<f8"), "MET_DOUBLE")


@register(ALL, REPAIRED, "int32 values taken to int16 HU", like_good=True)
def wide_hounsfield_units(case: Case) -> None:
    _store(case, good_hu().astype("<i4"), "MET_INT")


@register(ALL, REPAIRED, "uint32 values taken to int16 HU, 1024 subtracted", like_good=True)
def wide_unsigned_with_an_offset(case: Case) -> None:
    _store(case, (good_hu() + 1024).astype("<u4"), "MET_UINT")


@register(ALL, REPAIRED, "uint16 values taken to int16 HU$", like_good=True)
def signed_declared_unsigned(case: Case) -> None:
    case.change(ElementType="MET_USHORT")


@register(ALL, QUARANTINED, "outside -4096 to 4095 HU")
def unsigned_with_another_offset(case: Case) -> None:
    _store(case, (good_hu().astype(np.int32) + 32768).astype("<u2"), "MET_USHORT")


@register(ALL, QUARANTINED, "no HU: expected at most 30% of values above 300 HU")
def signed_with_an_offset(case: Case) -> None:
    case.write((good_hu() + 1024).astype(np.int16))


@register(ALL, QUARANTINED, "expected ElementType MET_SHORT, .*, got 'MET_UCHAR'")
def bytes_that_are_a_mask(case: Case) -> None:
    _store(case, chest.lungs().astype(np.uint8), "MET_UCHAR")


@register(ALL, QUARANTINED, "air and tissue in values taken for HU")
def float_scaled_to_one(case: Case) -> None:
    _store(case, (good_hu().astype("<f4") + 1024) / 4096, "MET_FLOAT")


@register(ALL, QUARANTINED, "finite values, got nan in slice 20")
def float_with_nan(case: Case) -> None:
    values = good_hu().astype("<f4")
    values[20, 3, 5] = np.nan
    _store(case, values, "MET_FLOAT")


@register(ALL, QUARANTINED, "finite values, got -inf in slice 43")
def float_with_infinity(case: Case) -> None:
    values = good_hu().astype("<f8")
    values[43, 59, 79] = -np.inf
    _store(case, values, "MET_DOUBLE")


@register(ALL, QUARANTINED, "air and tissue in values taken for HU, got 0.0% below -500")
def float_of_wrong_byte_order(case: Case) -> None:
    _store(case, good_hu().astype(">f4"), "MET_FLOAT")


@register(ALL, QUARANTINED, "wrong byte order")
def byte_order_declared_wrongly(case: Case) -> None:
    case.change(BinaryDataByteOrderMSB="True")


@register(ALL, QUARANTINED, "at most 50% .* in a slice, got 97% .* in slice 42 of")
def text_in_the_last_slices(case: Case) -> None:
    page = b"<html><head><title>503 Service Unavailable</title></head></html>\n\n"
    hu = good_hu()
    hu[42:] = np.resize(np.frombuffer(page, "<i2"), hu[42:].shape)
    case.write(hu)


@register(ALL, QUARANTINED, "at most 50% .* in a slice, got 100% .* in slice 20 of")
def wrong_byte_order_in_a_slice(case: Case) -> None:
    hu = good_hu()
    hu[20] = hu[20].byteswap()
    case.write(hu)


@register(ALL, ACCEPTED, like_good=True)
def other_byte_order(case: Case) -> None:
    case.raw.write_bytes(good_hu().astype(">i2").tobytes())
    case.change(BinaryDataByteOrderMSB="True")


@register(ALL, QUARANTINED, "wrong byte order")
def byte_order_not_declared(case: Case) -> None:
    case.raw.write_bytes(good_hu().astype(">i2").tobytes())


@register(ALL, ACCEPTED, like_good=True)
def padding_and_metal(case: Case) -> None:
    hu = good_hu()
    hu[:, :2, :2], hu[:, :2, 2:4], hu[:, -2:, :2] = -2000, -2048, -3024
    # Within the body, in front of the lungs.
    hu[22, 6, 40] = 5892
    case.write(hu)
