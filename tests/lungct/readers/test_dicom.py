"""What the reader of DICOM finds, and voxels at their places in the world."""

import lzma
import os
import tarfile

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
from lungct.scan import HU_MAX, HU_MIN, ScanError
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    INTERCEPT,
    PATIENT_ID,
    SERIES_UID,
    change,
    compressed,
    encoded,
    enhanced,
    find_one,
    hu,
    listing,
    replace_bytes,
    series,
    store,
    transfer_syntax,
    write,
)


def assert_reads(files, volume=None, geometry=GEOMETRY, repairs=()):
    scan = READER.read(files)
    expected = hu(geometry) if volume is None else volume
    assert scan.hu.dtype == np.int16
    np.testing.assert_array_equal(scan.hu, expected)
    assert scan.geometry.shape == geometry.shape
    np.testing.assert_allclose(scan.geometry.origin_mm, geometry.origin_mm, atol=1e-6)
    np.testing.assert_allclose(scan.geometry.spacing_mm, geometry.spacing_mm, atol=1e-6)
    np.testing.assert_allclose(scan.geometry.direction, geometry.direction, atol=1e-6)
    assert scan.repairs == repairs
    assert scan.series_uid == SERIES_UID


# What is found.


def test_finds_a_folder_for_each_series_at_any_depth_and_the_root(tmp_path):
    root = tmp_path / "root"
    other = [change(image, SeriesInstanceUID="9.9", PatientID="P 2") for image in series()]
    write(root / "a" / "b" / "c", series())
    write(root / "a", other)
    (root / "top.IMA").write_bytes(encoded(series()[0]))
    found = READER.find(listing(root))
    assert [files.path for files in found] == [str(root), f"{root}/a", f"{root}/a/b/c"]
    assert [files.series_uid for files in found] == [SERIES_UID, "9.9", SERIES_UID]
    assert [files.patient_id for files in found] == [PATIENT_ID, "P 2", PATIENT_ID]
    assert found[1].files == tuple(f"{root}/a/slice-{z:02}.dcm" for z in range(6))


def test_finds_files_without_a_known_suffix_by_their_bytes(tmp_path):
    files = write(tmp_path, series(), ["IM0", "IM1", "1.2.3", "d.DCM", "e.dicom", "f.ima"])
    for name in ("README", "short"):
        (tmp_path / name).write_text(name * 40 if name == "README" else "x")
    assert find_one(tmp_path).files == files.files
    assert_reads(find_one(tmp_path))


@pytest.mark.parametrize(
    "name",
    ["DICOMDIR", "dicomdir.dcm", "a.xml", "a.csv", "a.json", "a.txt", "a.png", "a.mhd", "a.raw"]
    + ["a.nii", "a.dcm.gz"],
)
def test_ignores_files_of_other_names(tmp_path, name):
    (tmp_path / name).write_bytes(encoded(series()[0]))
    assert READER.find(listing(tmp_path)) == ()


def test_a_file_that_cannot_be_opened_to_look_is_none_of_dicom(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert READER.find(listing(tmp_path)) == ()


def test_takes_the_name_from_the_first_file_that_can_be_read(tmp_path):
    write(tmp_path, series())
    (tmp_path / "slice-00.dcm").write_bytes(b"")
    (tmp_path / "slice-01.dcm").unlink()
    os.mkfifo(tmp_path / "slice-01.dcm")
    assert find_one(tmp_path).series_uid == SERIES_UID


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["../../etc", "a b", ""])
def test_a_series_without_a_usable_uid_is_named_by_its_folder(tmp_path, uid):
    images = [change(image, SeriesInstanceUID=uid) for image in series()]
    (tmp_path / "x" / "scan 1").mkdir(parents=True)
    for number, image in enumerate(images):
        (tmp_path / "x" / "scan 1" / f"{number}.dcm").write_bytes(encoded(image))
    (files,) = READER.find(listing(tmp_path))
    assert files.series_uid == "x/scan 1"


def test_a_folder_of_damaged_files_is_found_by_its_name_and_refused(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"\x30\x82" * 400)
    files = find_one(tmp_path)
    assert (files.series_uid, files.patient_id) == (tmp_path.name, "")
    with pytest.raises(ScanError, match=r"DICM at byte 128.*a\.dcm"):
        READER.read(files)


# Voxels and their places.


def test_reads_a_series(tmp_path):
    assert_reads(write(tmp_path, series()))


def test_names_of_files_do_not_matter(tmp_path):
    names = ["10.dcm", "9.dcm", "1.dcm", "z.dcm", "a.dcm", "100.dcm"]
    assert_reads(write(tmp_path, series(), names))


def test_instance_numbers_do_not_matter(tmp_path):
    assert_reads(write(tmp_path, [change(image, InstanceNumber=1) for image in series()]))


@pytest.mark.parametrize(
    "direction",
    [
        (-1, 0, 0, 0, -1, 0, 0, 0, 1),  # prone
        (-1, 0, 0, 0, 1, 0, 0, 0, -1),  # columns and z reversed
        (0, 0, 1, 1, 0, 0, 0, 1, 0),  # sagittal: rows run to the back
        (1, 0, 0, 0, 0, 1, 0, -1, 0),  # coronal
        (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1),
        # Turned by 30 degrees about x, then by 37 about z: no axis stays.
        (0.8, -0.6 * 0.75**0.5, 0.3, 0.6, 0.8 * 0.75**0.5, -0.4, 0, 0.5, 0.75**0.5),
    ],
)
def test_flipped_and_oblique_orientation(tmp_path, direction):
    turned = Geometry(GEOMETRY.shape, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, direction)
    files = write(tmp_path, series(geometry=turned))
    assert_reads(files, geometry=turned)
    scan = READER.read(files)
    index = (5, 2, 3)
    np.testing.assert_allclose(
        scan.geometry.voxel_to_world(index), turned.voxel_to_world(index), atol=1e-6
    )


def test_a_left_handed_stack_is_read_along_the_normal(tmp_path):
    # x to the left and y to the front: the normal points to the feet, the slices to the head.
    left_handed = Geometry(
        GEOMETRY.shape, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, (1, 0, 0, 0, -1, 0, 0, 0, 1)
    )
    # The last slice lies at -300 + 5 * 2.5 mm.
    turned = Geometry(
        GEOMETRY.shape, (-10.5, 20.25, -287.5), GEOMETRY.spacing_mm, (1, 0, 0, 0, -1, 0, 0, 0, -1)
    )
    assert_reads(write(tmp_path, series(geometry=left_handed)), hu()[::-1], turned)


def test_positions_rounded_to_a_tenth_of_a_millimetre(tmp_path):
    fine = Geometry(GEOMETRY.shape, (0, 0, 0), (0.7, 0.8, 0.62))
    images = series(geometry=fine)
    for z, image in enumerate(images):  # 0, 0.6, 1.2, 1.9, 2.5, 3.1
        image.ImagePositionPatient = [0, 0, round(0.62 * z, 1)]
    assert_reads(write(tmp_path, images), geometry=fine)


def test_directions_are_freed_of_rounding(tmp_path):
    cosines = [0.99999, 0.00003, 0, 0, 1, 0]
    images = [change(image, ImageOrientationPatient=cosines) for image in series()]
    direction = np.reshape(READER.read(write(tmp_path, images)).geometry.direction, (3, 3))
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)


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


def test_values_without_a_unit_are_hu(tmp_path):
    assert_reads(write(tmp_path, [change(image, RescaleType=None) for image in series()]))


def test_reads_an_enhanced_file(tmp_path):
    assert_reads(write(tmp_path, [enhanced()]))


def test_frames_of_an_enhanced_file_are_ordered_and_rescaled_one_by_one(tmp_path):
    image, order = enhanced(), [3, 0, 5, 1, 4, 2]
    image.PerFrameFunctionalGroupsSequence = [
        image.PerFrameFunctionalGroupsSequence[z] for z in order
    ]
    rescales = [(1 / 2**z, -1024 - 10 * z) for z in range(6)]
    for z, own in zip(order, image.PerFrameFunctionalGroupsSequence, strict=True):
        own.PixelValueTransformationSequence = [
            change(type(own)(), RescaleSlope=rescales[z][0], RescaleIntercept=rescales[z][1])
        ]
        own.PixelValueTransformationSequence[0].RescaleType = "HU"
    del image.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    stored = np.stack([(hu()[z] - rescales[z][1]) / rescales[z][0] for z in order])
    store(image, stored)
    assert_reads(write(tmp_path, [image]))


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


# A real series.


@pytest.fixture
def real_series(real_data, tmp_path):
    archive = real_data / "dicom_chest" / "series.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no real series in {archive}")
    with lzma.open(archive) as stream, tarfile.open(fileobj=stream) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path


def test_real_series(real_series):
    (files,) = READER.find(listing(real_series))
    assert len(files.files) == 98
    assert files.patient_id == "LungFCP-01-0001"
    scan = READER.read(files)
    assert scan.geometry.shape == (98, 512, 512)
    np.testing.assert_allclose(scan.geometry.spacing_mm, (0.759765625, 0.759765625, 1.0))
    np.testing.assert_allclose(scan.geometry.origin_mm, (-189.1201171875, -364.1201171875, -5.5))
    assert scan.repairs == ()
    # Two peaks: air of the lungs or the room, and muscle.
    counts = np.bincount((scan.hu + 1024).ravel())
    assert -1010 <= int(counts[1:300].argmax()) + 1 - 1024 <= -950
    assert 20 <= int(counts[1024 - 20 : 1024 + 120].argmax()) - 20 <= 70
