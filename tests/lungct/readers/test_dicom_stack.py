"""Slices of DICOM that make no volume together, each refused for a cause of its own."""

import os

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.readers import dicom_preflight, dicom_stack
from lungct.readers.dicom import READER
from lungct.scan import ScanError
from tests.lungct.readers.dicom_asserts import ODD, assert_refused
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    INTERCEPT,
    change,
    enhanced,
    hu,
    series,
    store,
    write,
)


@pytest.fixture
def images():
    return series()


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
    cause = "expected slices at most 20 mm apart, got 120.000 mm"
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
