"""Series of DICOM that must be refused, each for a cause of its own and with the slice named."""

import os
import re
from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    RLELossless,
)

from lungct.geometry import Geometry
from lungct.readers import dicom_header, dicom_preflight, dicom_stack
from lungct.readers.dicom import READER
from lungct.readers.dicom_pixels import read_voxels
from lungct.readers.dicom_preflight import read_frames
from lungct.scan import ScanError
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    INTERCEPT,
    change,
    compressed,
    encoded,
    enhanced,
    hu,
    replace_bytes,
    series,
    store,
    write,
)

# Values that no element may have make pydicom warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ODD = "slice-03.dcm"


def assert_refused(files, cause, *names):
    """The scan is refused in one line with one cause, and the files are named."""
    with pytest.raises(ScanError) as caught:
        READER.read(files)
    text = str(caught.value)
    assert cause in text
    assert "\n" not in text
    named = re.findall(r"slice-\d\d\.dcm", text)
    assert named == list(names or (ODD,))


@pytest.fixture
def images():
    return series()


# Elements of one slice.


@pytest.mark.parametrize(
    ("elements", "cause"),
    [
        ({"SOPClassUID": None}, "expected a CT image (SOPClassUID), got none"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "got Secondary Capture Image Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "got Basic Text SR Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "got Segmentation Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "got MR Image Storage"),
        ({"SOPClassUID": "1.2.3.4.5"}, "expected a CT image (SOPClassUID), got 1.2.3.4.5"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "expected no localizer (ImageType)"),
        ({"NumberOfFrames": 2}, "expected NumberOfFrames of 1 to 1, got 2"),
        ({"SeriesInstanceUID": None}, "expected SeriesInstanceUID, got none"),
        ({"SOPInstanceUID": ""}, "expected SOPInstanceUID, got none"),
        ({"ImagePositionPatient": None}, "3 finite numbers in ImagePositionPatient, got none"),
        (
            {"ImagePositionPatient": [0, 0]},
            "3 finite numbers in ImagePositionPatient, got [0.0, 0.0]",
        ),
        ({"ImagePositionPatient": [0, 0, 20000]}, "ImagePositionPatient within ±10000 mm"),
        (
            {"ImageOrientationPatient": None},
            "6 finite numbers in ImageOrientationPatient, got none",
        ),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1]}, "6 finite numbers in ImageOrientation"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.1, 1, 0]}, "6 orthonormal direction cosines"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "6 orthonormal direction cosines"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 1, 0]}, "6 orthonormal direction cosines"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "6 orthonormal direction cosines"),
        ({"PixelSpacing": None}, "expected 2 finite numbers in PixelSpacing, got none"),
        ({"PixelSpacing": 0.7}, "expected 2 finite numbers in PixelSpacing, got 0.7"),
        ({"PixelSpacing": [0, 0.7]}, "expected PixelSpacing of 0.01 to 100 mm, got [0.0, 0.7]"),
        ({"PixelSpacing": [-0.8, 0.7]}, "expected PixelSpacing of 0.01 to 100 mm"),
        ({"PixelSpacing": [0.8, 200]}, "expected PixelSpacing of 0.01 to 100 mm"),
        ({"Rows": None}, "expected 1 finite number in Rows, got none"),
        ({"Columns": 0}, "expected Columns of 1 to 65536"),
        ({"GantryDetectorTilt": 100}, "expected GantryDetectorTilt of -90 to 90, got 100.0"),
        ({"SamplesPerPixel": 3}, "expected SamplesPerPixel of 1 to 1"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "MONOCHROME2, got 'PALETTE COLOR'"),
        ({"BitsAllocated": 1}, "expected BitsAllocated of 8 to 32"),
        ({"BitsAllocated": 12}, "expected BitsAllocated 8, 16 or 32, got 12"),
        ({"BitsStored": 17}, "expected BitsStored of 8 to 16"),
        ({"BitsStored": None}, "expected 1 finite number in BitsStored, got none"),
        ({"HighBit": 11}, "expected HighBit of 15 to 15"),
        ({"PixelRepresentation": 2}, "expected PixelRepresentation of 0 to 1"),
        ({"RescaleSlope": None}, "expected 1 finite number in RescaleSlope, got none"),
        ({"RescaleIntercept": None}, "expected 1 finite number in RescaleIntercept, got none"),
        ({"RescaleIntercept": 1e9}, "expected RescaleIntercept of -100000 to 100000"),
        ({"RescaleSlope": 0}, "expected a positive RescaleSlope, got 0.0"),
        ({"RescaleSlope": -1}, "expected a positive RescaleSlope, got -1.0"),
        ({"RescaleSlope": 1e6}, "expected RescaleSlope of -1000 to 1000"),
        ({"RescaleType": "US"}, "expected RescaleType HU, got 'US'"),
        ({"ModalityLUTSequence": [Dataset()]}, "RescaleIntercept, got ModalityLUTSequence"),
    ],
)
def test_element_of_one_slice(tmp_path, images, elements, cause):
    change(images[3], **elements)
    assert_refused(write(tmp_path, images), cause)


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (b"0.8\\0.7 ", b"0,8\\0,7 ", "2 finite numbers in PixelSpacing, got ['0,8', '0,7']"),
        (b"0.8\\0.7 ", b"nan\\0.7 ", "2 finite numbers in PixelSpacing, got [nan, 0.7]"),
        (b"0.8\\0.7 ", b" NaN    ", "2 finite numbers in PixelSpacing, got NaN"),
        (b"1.0\\0.0\\0.0", b"1.0\\abc\\0.0", "6 finite numbers in ImageOrientationPatient, got ["),
        (b"DS\x06\x00-1024 ", b"DS\x06\x00   inf", "1 finite number in RescaleIntercept, got inf"),
        (b"IS\x02\x0099", b"IS\x02\x00.5", "expected NumberOfFrames of 1 to 1, got 0.5"),
        (b"IS\x02\x0099", b"IS\x02\x00xy", "expected 1 finite number in NumberOfFrames, got 'xy'"),
    ],
)
def test_text_that_is_no_number(tmp_path, images, old, new, cause):
    change(images[3], NumberOfFrames=99, RescaleIntercept="-1024 ")
    files = write(tmp_path, images)
    if b"IS" not in old:
        replace_bytes(tmp_path / ODD, b"IS\x02\x0099", b"IS\x02\x001 ")
    replace_bytes(tmp_path / ODD, old, new)
    assert_refused(files, cause)


def test_element_that_is_too_short_for_its_type(tmp_path, images):
    files = write(tmp_path, images)
    data = (tmp_path / ODD).read_bytes()
    rows = b"\x28\0\x10\0US\x02\0\x0c\0"
    (tmp_path / ODD).write_bytes(data.replace(rows, b"\x28\0\x10\0US\x01\0\x0c"))
    assert_refused(files, "expected Rows of its type, got '\\x0c'")


def test_element_of_no_known_type(tmp_path, images):
    files = write(tmp_path, images)
    replace_bytes(tmp_path / ODD, b"\x28\0\x10\0US", b"\x28\0\x10\0U\x01")
    assert_refused(files, "expected Rows of its type, got '\\x0c'")


def test_element_of_no_known_type_in_an_enhanced_file(tmp_path):
    files = write(tmp_path, [enhanced()])
    replace_bytes(tmp_path / "slice-00.dcm", b"\x28\0\x03\x01US", b"\x28\0\x03\x01U\x01")
    assert_refused(files, "expected elements of DICOM, got", "slice-00.dcm")


# Files that are none, or not whole.


def test_empty_file(tmp_path, images):
    files = write(tmp_path, images)
    (tmp_path / ODD).write_bytes(b"")
    assert_refused(files, "expected a DICOM file, got an empty one")


@pytest.mark.parametrize("data", [b"ISDN" * 400, b"\x30\x82\x02\x00" * 400, b"\0" * 100])
def test_no_dicom_or_encrypted(tmp_path, images, data):
    files = write(tmp_path, images)
    (tmp_path / ODD).write_bytes(data)
    assert_refused(files, "DICM at byte 128")


def test_file_that_went_away(tmp_path, images):
    files = write(tmp_path, images)
    (tmp_path / ODD).unlink()
    assert_refused(files, "expected a readable file, got No such file or directory")


def test_pipe(tmp_path, images):
    files = write(tmp_path, images)
    (tmp_path / ODD).unlink()
    os.mkfifo(tmp_path / ODD)
    assert_refused(files, "expected a readable file, got no regular file")


def test_header_of_noise(tmp_path, images):
    files = write(tmp_path, images)
    (tmp_path / ODD).write_bytes(
        bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x04\x00" + b"\xff" * 99
    )
    assert_refused(files, "expected a header of DICOM, got")


def test_header_that_ends_pydicom(tmp_path, images):
    files = write(tmp_path, images)
    # An element of undefined length whose end never comes.
    data = encoded(images[3])
    at = data.index(b"\x20\x00\x32\x00DS")
    (tmp_path / ODD).write_bytes(
        data[:at] + b"\x20\x00\x32\x00SQ\0\0\xff\xff\xff\xff\x01\x02\x03\x04"
    )
    assert_refused(files, "expected a header of DICOM, got")


def test_header_cut_off(tmp_path, images):
    files = write(tmp_path, images)
    data = encoded(images[3])
    (tmp_path / ODD).write_bytes(data[: data.index(b"\x28\x00\x10\x00US")])
    assert_refused(files, "expected PixelData (file truncated or without an image), got the end")


def test_pixels_missing(tmp_path, images):
    del images[3].PixelData
    assert_refused(write(tmp_path, images), "file truncated or without an image), got the end")


def test_pixels_as_floats(tmp_path, images):
    del images[3].PixelData
    images[3].FloatPixelData = np.zeros(192, dtype="<f4").tobytes()
    assert_refused(write(tmp_path, images), "or without an image), got float")


def test_pixels_cut_off(tmp_path, images):
    files = write(tmp_path, images)
    data = (tmp_path / ODD).read_bytes()
    (tmp_path / ODD).write_bytes(data[:-10])
    # 12 x 16 pixels of 2 bytes are 384 bytes.
    assert_refused(files, "expected PixelData of 384 bytes (file truncated), got 374 bytes")


@pytest.mark.parametrize("change_bytes", [-2, 2])
def test_pixels_shorter_or_longer_than_the_header_says(tmp_path, images, change_bytes):
    pixels = images[3].PixelData
    images[3].PixelData = pixels[:-2] if change_bytes < 0 else pixels + b"\0\0"
    cause = f"expected PixelData of 384 bytes, got {384 + change_bytes} bytes"
    assert_refused(write(tmp_path, images), cause)


def test_file_too_long(tmp_path, images, monkeypatch):
    files = write(tmp_path, images)
    monkeypatch.setattr(dicom_header, "MAX_VOXEL_BYTES", os.path.getsize(files.files[0]))
    with open(tmp_path / ODD, "ab") as file:
        file.write(bytes(100))
    assert_refused(files, "expected at most")


def test_size_beyond_the_bound_is_refused_before_a_pixel_is_read(tmp_path, images):
    change(images[3], Rows=65535, Columns=65535)
    assert_refused(write(tmp_path, images), "expected at most 1073741824 pixels, got 65535 x 65535")


# How files are coded.


@pytest.mark.parametrize(
    ("uid", "cause"),
    [
        (ExplicitVRBigEndian, "a transfer syntax that can be decoded, got 1.2.840.10008.1.2.2"),
        (DeflatedExplicitVRLittleEndian, "within bounds, got 1.2.840.10008.1.2.1.99 (deflated)"),
    ],
)
def test_transfer_syntax_that_is_not_read(tmp_path, images, uid, cause):
    images[3].file_meta.TransferSyntaxUID = uid
    assert_refused(write(tmp_path, images), cause)


@pytest.mark.parametrize(
    ("uid", "cause"),
    [
        (b"1.2.840.10008.1.2.4.102\0", "a transfer syntax that can be decoded, got 1.2.840.10008"),
        # HTJ2K, of which no decoder is installed, and one of nobody's.
        (b"1.2.840.10008.1.2.4.201\0", "a transfer syntax that can be decoded, got 1.2.840.10008"),
        (b"1.2.840.99999.1.2.4.201\0", "a transfer syntax that can be decoded, got 1.2.840.99999"),
        (b"1.2.840.10008.1.2.4.90\0\0", "PixelData in fragments, as 1.2.840.10008.1.2.4.90 has"),
        (b"\0" * 24, "expected a TransferSyntaxUID, got none"),
    ],
)
def test_transfer_syntax_that_is_not_that_of_the_file(tmp_path, images, uid, cause):
    images[3].file_meta.PrivateInformationCreatorUID = "1.2"
    files = write(tmp_path, images)
    data = (tmp_path / ODD).read_bytes()
    old = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
    assert data.count(old) == 1
    data = data.replace(old, b"\x02\x00\x10\x00UI\x18\x00" + uid)
    # The length of the group of elements, bytes 140 to 144, grows by four.
    length = int.from_bytes(data[140:144], "little") + 4
    (tmp_path / ODD).write_bytes(data[:140] + length.to_bytes(4, "little") + data[144:])
    assert_refused(files, cause)


def test_fragments_where_none_belong(tmp_path, images):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.RLELossless)
    data = (tmp_path / ODD).read_bytes()
    old, new = f"{RLELossless}\0".encode(), b"1.2.840.10008.1.2.1\0"
    at, short = data.index(old), len(new) - len(old)
    length = int.from_bytes(data[140:144], "little") + short
    data = (
        data[:140]
        + length.to_bytes(4, "little")
        + data[144 : at - 2]
        + b"\x14\0"
        + new
        + data[at + len(old) :]
    )
    (tmp_path / ODD).write_bytes(data)
    assert_refused(files, "PixelData of a stated length, as 1.2.840.10008.1.2.1 has")


CODINGS = ["RLELossless", "JPEGLSLossless", "JPEG2000Lossless", "JPEGLosslessProcess14_1"]


@pytest.mark.parametrize("name", CODINGS)
def test_compressed_pixels_cut_off(tmp_path, images, name):
    files = write(tmp_path, images)
    for path in files.files:
        compressed(Path(path), getattr(gdcm.TransferSyntax, name))
    data = (tmp_path / ODD).read_bytes()
    (tmp_path / ODD).write_bytes(data[:-60])
    assert_refused(files, "expected pixels that can be decoded, got")


@pytest.mark.parametrize("name", CODINGS)
def test_compressed_pixels_of_another_size(tmp_path, images, name):
    files = write(tmp_path, images)
    for path in files.files:
        compressed(Path(path), getattr(gdcm.TransferSyntax, name))
        rows = b"\x28\0\x10\0US\x02\0"
        replace_bytes(Path(path), rows + b"\x0c\0", rows + b"\x0e\0")
    assert_refused(files, "expected pixels that can be decoded, got", "slice-00.dcm")


@pytest.mark.parametrize(
    ("name", "old", "new", "cause"),
    [
        ("JPEGLSLossless", b"\xff\xd8", b"\xff\xd9", "that are no codestream of JPEG in"),
        ("JPEG2000Lossless", b"\xff\x4f\xff", bytes(3), "that are no codestream of JPEG 2000 in"),
        # 12 rows and 16 columns become 65535 and 16.
        ("JPEGLosslessProcess14_1", b"\0\x0c\0\x10", b"\xff\xff\0\x10", "of 65535 x 16 x 1"),
        ("JPEGLSLossless", b"\0\x0c\0\x10", b"\xff\xff\0\x10", "of 65535 x 16 x 1"),
        # JPEG 2000 gives columns first, and four bytes to each.
        ("JPEG2000Lossless", b"\x10\0\0\0\x0c", b"\x10\0\0\xff\xff", "of 65535 x 16 x 1"),
    ],
)
def test_codestream_that_contradicts_the_header(tmp_path, images, name, old, new, cause):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, getattr(gdcm.TransferSyntax, name))
    data = (tmp_path / ODD).read_bytes()
    at = data.index(old, data.index(b"\xe0\x7f\x10\0OB"))
    (tmp_path / ODD).write_bytes(data[:at] + new + data[at + len(old) :])
    assert_refused(files, cause)


def test_fewer_compressed_frames_than_the_header_says(tmp_path):
    files = write(tmp_path, [enhanced()])
    path = Path(files.files[0])
    compressed(path, gdcm.TransferSyntax.JPEGLSLossless)
    image = dcmread(path)
    frames = list(generate_frames(image.PixelData, number_of_frames=6))
    image.PixelData = encapsulate(frames[:5])
    image.save_as(path)
    with pytest.raises(ScanError, match="got 5 compressed frames where the header says 6 in frame"):
        READER.read(files)


@pytest.mark.parametrize("name", CODINGS[1:])
def test_values_wider_than_the_header_says(tmp_path, images, name):
    files = write(tmp_path, images)
    odd = tmp_path / ODD
    compressed(odd, getattr(gdcm.TransferSyntax, name))
    for element, old, new in ((0, b"\x10", b"\x08"), (1, b"\x10", b"\x08"), (2, b"\x0f", b"\x07")):
        tag = b"\x28\0" + bytes([element]) + b"\x01US\x02\0"
        replace_bytes(odd, tag + old, tag + new)
    assert_refused(files, "of 16 bits where the header says 12 x 16 of 8")


def test_file_that_changes_while_it_is_read(tmp_path, images):
    files = write(tmp_path, images)
    frames = [frame for path in files.files for frame in read_frames(path)]
    smaller = Geometry((6, 10, 16), GEOMETRY.origin_mm, GEOMETRY.spacing_mm)
    write(tmp_path, images[:3] + series(geometry=smaller)[3:])
    with pytest.raises(ScanError, match=r"shape \(10, 16\) where .* \(12, 16\) in .*slice-03.dcm"):
        read_voxels(frames)


def test_overlay_in_bits_that_are_not_stored(tmp_path, images):
    for image, plane in zip(images, hu(), strict=True):
        store(image, plane - INTERCEPT, bits=12)
    stored = hu()[3] - INTERCEPT
    stored[5, 5] |= 1 << 12
    images[3].PixelData = stored.astype("<u2").tobytes()
    assert_refused(write(tmp_path, images), "expected stored values of 12 bits, got ")


def test_signed_pixels_declared_unsigned(tmp_path, images):
    for image, plane in zip(images, hu(), strict=True):
        change(image, RescaleIntercept=0)
        store(image, plane.astype(np.int16), "<i2")
        change(image, PixelRepresentation=0)
    with pytest.raises(ScanError, match="at most 5% of values outside -4096 to 4095 HU"):
        READER.read(write(tmp_path, images))


# Slices that don't belong together.


@pytest.mark.parametrize(
    ("elements", "cause"),
    [
        ({"SeriesInstanceUID": "9.9"}, "expected SeriesInstanceUID 1.2.3.4 as in 5 of 6 slices"),
        ({"PatientID": "other"}, "expected PatientID patient-1 as in 5 of 6 slices, got other"),
        ({"PatientID": None}, "expected PatientID patient-1 as in 5 of 6 slices, got none"),
        ({"FrameOfReferenceUID": "9"}, "expected FrameOfReferenceUID 1.2.3.5 as in 5 of 6"),
        ({"PixelSpacing": [0.8, 0.71]}, "expected PixelSpacing (0.7, 0.8) as in other slices"),
        ({"ImageOrientationPatient": [0.8, 0.6, 0, -0.6, 0.8, 0]}, "ImageOrientationPatient (1.0"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, -1, 0]}, "ImageOrientationPatient (1.0, 0.0,"),
    ],
)
def test_one_slice_unlike_the_others(tmp_path, images, elements, cause):
    change(images[3], **elements)
    assert_refused(write(tmp_path, images), cause)


@pytest.mark.parametrize(("rows", "columns"), [(11, 16), (12, 15)])
def test_one_slice_of_another_size(tmp_path, images, rows, columns):
    change(images[3], Rows=rows, Columns=columns)
    store(images[3], hu()[3, :rows, :columns] - INTERCEPT)
    cause = f"Rows and Columns (12, 16) as in 5 of 6 slices, got ({rows}, {columns})"
    assert_refused(write(tmp_path, images), cause)


def test_same_file_twice(tmp_path, images):
    images[3].SOPInstanceUID = images[1].SOPInstanceUID
    cause = "expected a SOPInstanceUID for each file, got 1.2.3.4.2 of"
    assert_refused(write(tmp_path, images), cause, "slice-01.dcm", ODD)


def test_two_slices_at_one_position(tmp_path, images):
    images[3].ImagePositionPatient = images[2].ImagePositionPatient
    cause = "expected one slice at a position, got two at (-10.5, 20.25, -295.0) mm"
    assert_refused(write(tmp_path, images), cause, "slice-02.dcm", ODD)


def test_two_acquisitions_at_the_same_positions(tmp_path, images):
    second = series()
    for z, image in enumerate(second):
        change(image, SOPInstanceUID=f"9.{z + 1}", AcquisitionNumber=2)
    cause = "got two (of acquisitions 1 and 2) at (-10.5, 20.25, -300.0) mm"
    assert_refused(write(tmp_path, images + second), cause, "slice-00.dcm", "slice-06.dcm")


def test_two_acquisitions_that_continue_each_other_are_read(tmp_path, images):
    for image in images[3:]:
        change(image, AcquisitionNumber=2)
    np.testing.assert_array_equal(READER.read(write(tmp_path, images)).hu, hu())


def test_missing_slice(tmp_path, images):
    files = write(tmp_path, images)
    (tmp_path / ODD).unlink()
    files = write(tmp_path, [])
    cause = "expected slices 2.500 mm apart (one missing or unevenly spaced), got a gap of 5.000 mm"
    assert_refused(files, cause, "slice-02.dcm", "slice-04.dcm")


def test_missing_slice_next_to_the_end(tmp_path, images):
    assert_refused(
        write(tmp_path, images[:1] + images[2:]),
        "got a gap of 5.000 mm",
        "slice-00.dcm",
        "slice-01.dcm",
    )


def test_slice_moved_along_the_stack(tmp_path, images):
    images[3].ImagePositionPatient = [-10.5, 20.25, -292.2]
    cause = "got a gap of 2.800 mm"
    assert_refused(write(tmp_path, images), cause, "slice-02.dcm", ODD)


def test_spacing_that_changes_halfway(tmp_path, images):
    for z in (3, 4, 5):
        images[z].ImagePositionPatient = [-10.5, 20.25, -295 + (z - 2) * 2.7]
    with pytest.raises(ScanError, match=r"unevenly spaced\), got a gap of 2\.[57]00 mm between"):
        READER.read(write(tmp_path, images))


def test_slices_too_far_apart(tmp_path, images):
    far = series(geometry=Geometry(GEOMETRY.shape, (0, 0, 0), (0.7, 0.8, 120.0)))
    cause = "expected slices at most 100 mm apart, got 120.000 mm"
    assert_refused(write(tmp_path, far), cause, "slice-00.dcm", "slice-01.dcm")


def test_slice_shifted_sideways(tmp_path, images):
    images[3].ImagePositionPatient = [-8.5, 20.25, -292.5]
    assert_refused(write(tmp_path, images), "got one shifted sideways by 2.00 mm")


def test_gantry_tilt_of_positions(tmp_path, images):
    for z, image in enumerate(images):  # 2.5 mm along z for 0.67 mm along y: atan is 15 degrees
        image.ImagePositionPatient = [-10.5, round(20.25 + 0.669873 * z, 6), -300 + 2.5 * z]
    cause = "got a tilt of the gantry by 15.0 degrees"
    assert_refused(write(tmp_path, images), cause, "slice-05.dcm")


def test_gantry_tilt_that_is_declared_alone(tmp_path, images):
    images[3].GantryDetectorTilt = -12.5
    assert_refused(write(tmp_path, images), "got a tilt of the gantry by -12.5 degrees")


def test_one_slice(tmp_path, images):
    images[0].SliceThickness = 2.5
    cause = "expected at least 2 slices, as one has no spacing, got 1"
    assert_refused(write(tmp_path, images[:1]), cause, "slice-00.dcm")


def test_localizer_inside(tmp_path, images):
    scout = series(hu()[:1])[0]
    change(scout, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER", "CT_SOM5 TOP"], SOPInstanceUID="9")
    change(scout, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    assert_refused(write(tmp_path, images[:3] + [scout] + images[3:]), "expected no localizer")


@pytest.mark.parametrize(
    ("limit", "value", "cause"),
    [
        ("MAX_VOXELS", 1000, "expected at most 1000 voxels in 65536 slices, got 1152 voxels in 6"),
        ("MAX_SIZE", 5, "expected at most 1073741824 voxels in 5 slices, got 1152 voxels in 6"),
    ],
)
def test_more_voxels_than_the_bound(tmp_path, images, monkeypatch, limit, value, cause):
    monkeypatch.setattr(dicom_stack, limit, value)
    with pytest.raises(ScanError) as caught:
        READER.read(write(tmp_path, images))
    assert cause in str(caught.value)
    assert str(tmp_path) in str(caught.value)


# Enhanced files.


def assert_enhanced_refused(folder, image, cause, name=f"{os.sep}slice-00.dcm"):
    with pytest.raises(ScanError) as caught:
        READER.read(write(folder, [image]))
    assert cause in str(caught.value)
    assert str(caught.value).endswith(name)


def test_enhanced_file_beside_others(tmp_path, images):
    cause = "expected a file of many frames alone in its folder, got 2 files beside"
    assert_refused(write(tmp_path, [enhanced(), images[3]]), cause, "slice-00.dcm")


def test_enhanced_file_without_a_frame_of_its_groups(tmp_path):
    image = enhanced()
    del image.PerFrameFunctionalGroupsSequence[-1]
    cause = "expected 6 items in PerFrameFunctionalGroupsSequence, got 5"
    assert_enhanced_refused(tmp_path, image, cause)


def test_enhanced_file_with_frames_at_one_position(tmp_path):
    image = enhanced()
    own = image.PerFrameFunctionalGroupsSequence
    own[3].PlanePositionSequence = own[2].PlanePositionSequence
    cause = "expected one slice at a position, got two at (-10.5, 20.25, -295.0) mm in frame 3 of"
    assert_enhanced_refused(tmp_path, image, cause)


def test_enhanced_file_without_a_position(tmp_path):
    image = enhanced()
    del image.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence
    cause = "expected 3 finite numbers in ImagePositionPatient, got none in frame 4 of"
    assert_enhanced_refused(tmp_path, image, cause)


def test_enhanced_localizer(tmp_path):
    image = enhanced()
    shared = image.SharedFunctionalGroupsSequence[0]
    shared.CTImageFrameTypeSequence[0].FrameType = ["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"]
    cause = "expected no localizer (FrameType)"
    assert_enhanced_refused(tmp_path, image, cause)


def test_enhanced_file_of_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_preflight, "MAX_VOXELS", 1000)
    cause = "expected at most 1000 pixels, got 12 x 16 x 6"
    assert_enhanced_refused(tmp_path, enhanced(), cause)
