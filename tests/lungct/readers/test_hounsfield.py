import numpy as np
import pytest

from lungct.readers.hounsfield import to_hounsfield
from lungct.scan import ScanError

# Half air, half tissue.
HU = np.random.default_rng(1).integers(-1010, -900, (4, 12, 16)).astype(np.int16)
HU[:, 6:] += 950


def test_int16_is_clipped_in_place_without_a_repair():
    hu, repairs = to_hounsfield(values := HU.copy(), "x")
    assert hu is values
    assert repairs == ()


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_wider_types_are_rounded(dtype):
    hu, repairs = to_hounsfield(HU.astype(dtype) + dtype(0.25 if dtype != np.int32 else 0), "x")
    np.testing.assert_array_equal(hu, HU)
    assert hu.dtype == np.int16
    assert repairs == (f"{np.dtype(dtype).name} values taken to int16 HU",)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_unsigned_values_lose_the_offset_of_1024(dtype):
    hu, repairs = to_hounsfield((HU + 1024).astype(dtype), "x")
    np.testing.assert_array_equal(hu, HU)
    assert repairs == (f"{np.dtype(dtype).name} values taken to int16 HU, 1024 subtracted",)


def test_signed_values_under_an_unsigned_type():
    hu, repairs = to_hounsfield(HU.view(np.uint16), "x")
    np.testing.assert_array_equal(hu, HU)
    assert repairs == ("uint16 values taken to int16 HU",)


def test_wide_values_are_clipped_not_wrapped():
    values = HU.astype(np.float64)
    values[0, 0, 0], values[0, 0, 1] = 1e9, -1e9
    hu, _ = to_hounsfield(values, "x")
    assert hu[0, 0, :2].tolist() == [3071, -1024]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_values_that_are_not_finite(bad):
    values = HU.astype(np.float32)
    values[2, 3, 5] = bad
    with pytest.raises(ScanError, match="finite values, got .* in slice 2 of x.mhd"):
        to_hounsfield(values, "x.mhd")


@pytest.mark.parametrize("values", [HU.byteswap(), HU.astype(np.float32) * 10])
def test_refuses_values_that_no_ct_has(values):
    with pytest.raises(ScanError, match="at most 5% of values outside -4096 to 4095 HU, got .*%"):
        to_hounsfield(values.copy(), "x.mhd")


@pytest.mark.parametrize(
    "values",
    [
        (HU.astype(np.float32) + 1024) / 4096,
        np.full((4, 8, 8), 1000, np.uint16),
        np.full((4, 8, 8), -1000, np.int32),
    ],
    ids=["scaled to 0..1", "tissue only", "air only"],
)
def test_refuses_repairs_that_show_no_air_or_no_tissue(values):
    with pytest.raises(ScanError, match="expected air and tissue .* in x.mhd"):
        to_hounsfield(values, "x.mhd")


def test_large_volumes_are_judged_by_a_sample():
    values = np.tile(HU.byteswap(), (32, 8, 8))
    with pytest.raises(ScanError, match="wrong byte order"):
        to_hounsfield(values, "x")


@pytest.mark.parametrize("repeat", [(8, 1, 1), (8, 16, 16)], ids=["small", "large"])
def test_each_slice_is_judged(repeat):
    # One slice of 32: 3% of the volume, which is less than the 5% that the whole may have.
    values = np.tile(HU, repeat)
    assert values.shape[0] == 32
    values[30] = values[30].byteswap()
    with pytest.raises(ScanError, match="at most 50% of .* in a slice, got .*% .* slice 30 of x$"):
        to_hounsfield(values, "x")


def test_half_of_a_slice_may_be_metal():
    # Slice 7 has 6 of 12 rows outside, 1 of 32 slices: 1.6% of the volume.
    values = np.tile(HU, (8, 1, 1))
    values[7, 6:] = 5892
    hu, _ = to_hounsfield(values.copy(), "x")
    assert (hu[7, 6:] == 3071).all()
    values[7, 5] = 5892
    with pytest.raises(ScanError, match="got 58% .* in slice 7 of x"):
        to_hounsfield(values, "x")


@pytest.mark.parametrize("padding", [-2000, -2048, -3024])
def test_a_slice_may_be_all_padding(padding):
    values = HU.copy()
    values[3] = padding
    hu, _ = to_hounsfield(values, "x")
    assert (hu[3] == -1024).all()
