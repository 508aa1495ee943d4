"""Slices of DICOM that must be refused, each for a cause of its own."""

import os

import numpy as np
import pytest
from pydicom import Dataset

from lungct.readers import dicom_header
from lungct.readers.dicom_preflight import read_frames
from lungct.scan import ScanError
from tests.lungct.readers.dicom_asserts import ODD, assert_refused
from tests.lungct.readers.dicom_files import (
    change,
    encoded,
    enhanced,
    replace_bytes,
    series,
    write,
)

# Values that no element may have make pydicom warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


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
        ({"PixelSpacing": [0, 0.7]}, "expected PixelSpacing of 0.1 to 20 mm, got [0.0, 0.7]"),
        ({"PixelSpacing": [-0.8, 0.7]}, "expected PixelSpacing of 0.1 to 20 mm"),
        ({"PixelSpacing": [0.8, 200]}, "expected PixelSpacing of 0.1 to 20 mm"),
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
        ({"RescaleType": "Z_EFF"}, "expected RescaleType HU, got 'Z_EFF'"),
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


def test_header_cut_off_at_any_byte(tmp_path, images):
    files = write(tmp_path, images)
    data = encoded(images[3])
    for end in range(132, data.index(b"\xe0\x7f\x10\0OW"), 3):
        (tmp_path / ODD).write_bytes(data[:end])
        assert_refused(files, f"got the end of the file at byte {end} (truncated)")


def test_enhanced_header_cut_off_within_a_sequence(tmp_path):
    data = encoded(enhanced())
    for end in range(data.index(b"\x00\x52\x29\x92SQ"), data.index(b"\xe0\x7f\x10\0OW"), 7):
        (tmp_path / ODD).write_bytes(data[:end])
        with pytest.raises(ScanError, match=rf"end of the file at byte {end} \(truncated\)"):
            read_frames(str(tmp_path / ODD))


def test_pixels_missing(tmp_path, images):
    del images[3].PixelData
    assert_refused(write(tmp_path, images), "file truncated or without an image), got the end")


def test_pixels_as_floats(tmp_path, images):
    del images[3].PixelData
    images[3].FloatPixelData = np.zeros(192, dtype="<f4").tobytes()
    assert_refused(write(tmp_path, images), "PixelData of whole numbers, got float")


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
