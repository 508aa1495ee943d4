import numpy as np
import pytest

from lungct.readers.hounsfield import to_hounsfield
from lungct.readers.padding import corner_value, fill_from_sides, is_constant_around_noise
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
    with pytest.raises(ScanError, match="expected air and tissue .* in x.mhd|^no HU: .* to 0 HU"):
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


CHANGES = {
    "sign inverted": (
        lambda hu: -hu,
        "no HU: expected at most 30% of values above 300 HU, got 50%",
    ),
    "1000 added": (lambda hu: hu + 1000, "no HU: .* above 300 HU, got 50%"),
    "300 taken off": (
        lambda hu: hu - 300,
        "no HU: expected at most 20% .* below -1100 HU .* got 47%",
    ),
    "doubled": (lambda hu: hu * 2, "no HU: .* below -1100 HU besides padding, got 4[0-9]%"),
    "water at 260": (
        lambda hu: hu // 8 + 260,
        "no HU: expected at least 0.5% of values from -1100 to 0 HU, got 0.0%",
    ),
}


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
@pytest.mark.parametrize("name", CHANGES)
def test_values_that_are_no_hu_are_refused_whatever_their_type(name, dtype):
    change, message = CHANGES[name]
    with pytest.raises(ScanError, match=f"^{message}.* in x$"):
        to_hounsfield(change(HU.astype(np.int32)).astype(dtype), "x")


def test_real_scans_have_bone_contrast_and_noise():
    # A quarter of the volume above 300 HU, a fifth of what is air below -1100.
    values = np.tile(HU, (8, 1, 1))
    values[:, 6:9] = 500
    values[:, :1] = np.random.default_rng(5).integers(-1200, -1100, values[:, :1].shape)
    to_hounsfield(values, "x")


def circle(value, dtype=np.int16):
    """Noisy slices whose corners have one value, and which pixels those are."""
    rng = np.random.default_rng(6)
    hu = rng.integers(-1020, -980, (5, 48, 36)).astype(np.int32)
    hu[:, 12:36, 8:28] = rng.integers(20, 60, (5, 24, 20))
    y, x = np.linspace(-1, 1, 48), np.linspace(-1, 1, 36)
    around = y[:, None] ** 2 + x**2 > 1
    hu[:, around] = value
    return hu.astype(dtype), around


@pytest.mark.parametrize("value", [0, 1, 40, -500, 1200, 30_000, 32_767, -32_768])
def test_padding_of_any_value_becomes_air_and_nothing_else_changes(value):
    values, around = circle(value)
    # Within the body tissue of that value stays, as far as a CT may have it.
    values[2, 20, 20] = value
    hu, repairs = to_hounsfield(values.copy(), "x")
    assert (hu[:, around] == -1024).all()
    np.testing.assert_array_equal(hu[:, ~around][:, :300], values[:, ~around][:, :300])
    assert hu[2, 20, 20] == (value if -1024 < value <= 3071 else -1024)
    assert repairs == (f"padding of {value} HU set to -1024",)


@pytest.mark.parametrize("value", [-2000, -2048, -3024, -1024, -1000])
def test_padding_as_dark_as_air_needs_no_repair(value):
    hu, repairs = to_hounsfield(circle(value)[0], "x")
    assert (hu[:, 0, 0] == max(value, -1024)).all()
    assert repairs == ()


def test_padding_of_other_types():
    values, around = circle(0)
    unsigned = (values + 1024).astype(np.uint16)
    unsigned[:, around] = 63_536
    hu, repairs = to_hounsfield(unsigned, "x")
    assert (hu[:, around] == -1024).all()
    assert repairs[1] == "padding of 62512 HU set to -1024"
    floats = values.astype(np.float32)
    floats[:, around] = 0.5
    assert to_hounsfield(floats, "x")[1][1] == "padding of 0.5 HU set to -1024"


def test_what_is_no_padding_is_left():
    # Without noise the corners may be tissue; a slice that was lost is left to be seen.
    flat = np.where(circle(7)[1], np.int16(7), np.int16(-850)) + np.zeros((5, 1, 1), np.int16)
    assert to_hounsfield(flat.copy(), "x")[0][0, 0, 0] == 7
    lost, _ = circle(0)
    lost[3] = 0
    hu, _ = to_hounsfield(lost, "x")
    assert (hu[3] == 0).all() and (hu[2, 0, 0] == -1024)
    # One corner of four.
    corner, _ = circle(-1000)
    corner[:, :6, :6] = 40
    assert to_hounsfield(corner, "x")[1] == ()


def test_corners_by_hand():
    plane = np.array([[5, 1, 5], [1, 5, 1], [5, 1, 2]])
    assert corner_value(plane[None]) == 5
    assert corner_value(np.arange(9).reshape(1, 3, 3)) is None
    # Runs of fives from the left and the right; the one in the middle stays.
    assert fill_from_sides(plane, 5, 0) == 3
    assert plane.tolist() == [[0, 1, 0], [1, 5, 1], [0, 1, 2]]
    assert fill_from_sides(np.full((2, 2), 5), 5, 0) == 0
    assert is_constant_around_noise(circle(3)[0], np.int16(3))
    assert not is_constant_around_noise(circle(3)[0], np.int16(4))
