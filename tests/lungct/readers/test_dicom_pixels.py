"""Pixels of DICOM in all their codings to HU, and padding to air."""

import gdcm
import numpy as np
import pytest
from pydicom.uid import (
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from lungct.geometry import Geometry
from lungct.readers.dicom import READER
from lungct.scan import HU_MAX, HU_MIN
from tests.lungct.readers.dicom_asserts import assert_reads
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    INTERCEPT,
    change,
    compressed,
    enhanced,
    find_one,
    hu,
    replace_bytes,
    series,
    store,
    transfer_syntax,
    write,
)


def test_elements_without_types(tmp_path):
    images = series()
    for image in images:
        image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        change(image, PixelPaddingValue=63536)
    assert_reads(write(tmp_path, images))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("RLELossless", RLELossless),
        ("JPEGLSLossless", JPEGLSLossless),
        ("JPEG2000Lossless", JPEG2000Lossless),
        ("JPEGLosslessProcess14_1", JPEGLosslessSV1),
    ],
)
@pytest.mark.parametrize("many_frames", [False, True])
def test_compressed_pixels(tmp_path, name, uid, signed, many_frames):
    images = [enhanced()] if many_frames else series()
    # 12 bits and a sign hold -2048 to 2047, as HU themselves.
    for image, plane in zip(images, [hu()] if many_frames else hu(), strict=True):
        if signed:
            store(image, plane, "<i2", bits=12)
            _rescale_of(image).RescaleIntercept = 0
    files = write(tmp_path, images)
    for path in map(type(tmp_path), files.files):
        compressed(path, getattr(gdcm.TransferSyntax, name))
        assert transfer_syntax(path) == uid
    assert_reads(files)


def _rescale_of(image):
    """The part of a file that says how its values become HU."""
    if "SharedFunctionalGroupsSequence" not in image:
        return image
    return image.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]


@pytest.mark.parametrize(
    ("dtype", "bits", "slope", "intercept"),
    [("<i2", 16, 1, 0), ("<i2", 12, 1, 0), ("<i4", 32, 1, 0), ("<u4", 20, 0.5, -1024)]
    + [("<i2", 16, 0.25, 100)],
)
def test_pixels_of_other_types(tmp_path, dtype, bits, slope, intercept):
    images = series()
    for image, plane in zip(images, hu(), strict=True):
        change(image, RescaleSlope=slope, RescaleIntercept=intercept)
        store(image, (plane - intercept) / slope, dtype, bits)
    assert_reads(write(tmp_path, images))


def test_pixels_of_8_bits(tmp_path):
    # 0 to 255 of 8 HU each, from -1024 HU; an odd number of pixels has a byte of padding.
    odd = Geometry((3, 5, 7), GEOMETRY.origin_mm, GEOMETRY.spacing_mm)
    stored = np.arange(105).reshape(odd.shape) * 2
    images = series(np.zeros(odd.shape, dtype=np.int16), odd)
    for image, plane in zip(images, stored, strict=True):
        change(image, RescaleSlope=8)
        store(image, plane, "u1")
    assert_reads(write(tmp_path, images), stored * 8 - 1024, odd)


def test_each_slice_has_its_own_rescale(tmp_path):
    images = series()
    for z, image in enumerate(images):
        intercept = -1024 - 10 * z
        slope = 1 / 2**z
        change(image, RescaleSlope=slope, RescaleIntercept=intercept)
        store(image, (hu()[z] - intercept) / slope)
    assert_reads(write(tmp_path, images))


def test_fractions_are_rounded_and_the_range_is_clipped(tmp_path):
    volume = hu()
    volume[2, 5, 5:8] = 3500, 3071, 3072
    images = [change(image, RescaleSlope=1.0009) for image in series(volume)]
    expected = np.clip(np.rint((volume + 1024.0) * 1.0009 - 1024), HU_MIN, HU_MAX)
    assert_reads(write(tmp_path, images), expected)


def test_how_grey_is_shown_does_not_change_hu(tmp_path):
    images = [change(image, PhotometricInterpretation="MONOCHROME1") for image in series()]
    for image in images:
        change(image, WindowCenter=40, WindowWidth=400, PresentationLUTShape="INVERSE")
    assert_reads(write(tmp_path, images))


@pytest.mark.parametrize("unit", [None, "", "US"])
def test_values_of_no_stated_unit_are_hu(tmp_path, unit):
    assert_reads(write(tmp_path, [change(image, RescaleType=unit) for image in series()]))


# Padding.


def with_padding(raw, dtype="<u2", intercept=INTERCEPT, where=np.s_[:, :3, :4], **elements):
    """Slices with a stored value in one corner of each, and the HU that are right there."""
    images, volume = series(), hu()
    for image, plane in zip(images, volume, strict=True):
        stored = plane.astype(np.int64) - intercept
        stored[where[1:]] = raw
        store(image, stored, dtype)
        change(image, RescaleIntercept=intercept, **elements)
    volume[where] = HU_MIN
    return images, volume


def test_signed_padding_is_air(tmp_path):
    images, volume = with_padding(-2000, "<i2")
    assert_reads(write(tmp_path, images), volume)


def test_padding_of_the_least_value_is_air(tmp_path):
    images, volume = with_padding(-32768, "<i2", intercept=0)
    assert_reads(write(tmp_path, images), volume)


@pytest.mark.parametrize("where", [np.s_[:, :3, :4], np.s_[:, 4:8, 4:8]])
def test_padding_of_minus_2000_as_unsigned_is_air_wherever_it_lies(tmp_path, where):
    images, volume = with_padding(63536, where=where)
    repairs = ("undeclared padding 63536 (62512 HU) taken for air in 6 slices",)
    assert_reads(write(tmp_path, images), volume, repairs=repairs)


def test_any_value_that_no_ct_has_is_air_where_corners_have_it(tmp_path):
    images, volume = with_padding(9000)
    repairs = ("undeclared padding 9000 (7976 HU) taken for air in 6 slices",)
    assert_reads(write(tmp_path, images), volume, repairs=repairs)


@pytest.mark.parametrize("declared", [63536, -2000])
def test_declared_padding_is_air_with_and_without_its_sign(tmp_path, declared):
    images, volume = with_padding(63536)
    for image in images:
        image.add_new("PixelPaddingValue", "SS" if declared < 0 else "US", declared)
    repairs = ("declared padding 63536 (62512 HU) taken for air in 6 slices",)
    assert_reads(write(tmp_path, images), volume, repairs=repairs)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_declared_range_of_padding_is_air(tmp_path, syntax):
    images, volume = with_padding([[-900, -800, -700, -650]] * 3, "<i2", intercept=0)
    for image in images:
        image.file_meta.TransferSyntaxUID = syntax
        image.add_new("PixelPaddingValue", "SS", -900)
        image.add_new("PixelPaddingRangeLimit", "SS", -650)
    volume[(hu() >= -900) & (hu() <= -650)] = HU_MIN
    (repair,) = READER.read(write(tmp_path, images)).repairs
    assert repair == "declared padding -900 to -650 (-650 HU) taken for air in 6 slices"
    assert_reads(find_one(tmp_path), volume, repairs=(repair,))


@pytest.mark.parametrize("raw", [900, 1064, 1500])
def test_undeclared_padding_within_hu_is_a_repair(tmp_path, raw):
    # Left of the circle: columns 0 to 2; the columns at the right side are air of -1000 HU.
    images, volume = with_padding(raw, where=np.s_[:, :, :3])
    for image, plane in zip(images, hu(), strict=True):
        plane[:, :3], plane[:, -3:] = raw + INTERCEPT, raw + INTERCEPT
        store(image, plane - INTERCEPT)
    volume[:, :, -3:] = HU_MIN
    repairs = (f"padding of {raw + INTERCEPT} HU set to {HU_MIN}",)
    assert_reads(write(tmp_path, images), volume, repairs=repairs)


def test_declared_padding_below_all_tissue_is_no_repair(tmp_path):
    images, volume = with_padding(0, PixelPaddingValue=0)
    assert_reads(write(tmp_path, images), volume)


def test_metal_within_the_body_is_no_padding(tmp_path):
    volume = hu()
    volume[3, 5, 5:8] = 12000
    expected = volume.clip(HU_MIN, HU_MAX)
    assert_reads(write(tmp_path, series(volume)), expected)


@pytest.mark.parametrize(
    ("dtype", "raw", "repairs"),
    [
        ("<u2", 63536, ("undeclared padding 63536 (62512 HU) taken for air in 6 slices",)),
        # The lower 12 bits of both are 2096 and 1072, which would be bone.
        ("<i2", -3024, ()),
    ],
)
def test_padding_of_more_bits_than_are_stored_is_air(tmp_path, dtype, raw, repairs):
    images, volume = with_padding(raw, dtype, intercept=INTERCEPT if dtype == "<u2" else 0)
    for image in images:
        change(image, BitsStored=12, HighBit=11)
    assert_reads(write(tmp_path, images), volume, repairs=repairs)


@pytest.mark.parametrize(
    "name", ["RLELossless", "JPEGLSLossless", "JPEG2000Lossless", "JPEGLosslessProcess14_1"]
)
def test_compressed_padding_of_more_bits_than_are_stored_is_air(tmp_path, name):
    images, volume = with_padding(63536)
    files = write(tmp_path, images)
    for path in map(type(tmp_path), files.files):
        compressed(path, getattr(gdcm.TransferSyntax, name))
        stored, high = b"\x28\0\x01\x01US\x02\0", b"\x28\0\x02\x01US\x02\0"
        replace_bytes(path, stored + b"\x10\0", stored + b"\x0c\0")
        replace_bytes(path, high + b"\x0f\0", high + b"\x0b\0")
    repairs = ("undeclared padding 63536 (62512 HU) taken for air in 6 slices",)
    assert_reads(files, volume, repairs=repairs)


def test_bits_that_are_not_stored_may_be_zero(tmp_path):
    images = series()
    for image, plane in zip(images, hu(), strict=True):
        change(image, RescaleIntercept=0)
        # -1000 in 12 bits is 3096.
        store(image, plane % 4096, "<i2", bits=12)
    assert_reads(write(tmp_path, images))
