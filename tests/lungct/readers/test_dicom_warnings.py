"""Warnings of pydicom: none is seen, and those that mean damage refuse a scan."""

import logging
import warnings

import gdcm
import pytest
from pydicom import Dataset

from lungct.readers.dicom_warnings import caught_warnings, refused_warnings
from tests.lungct.readers.dicom_asserts import assert_reads, assert_refused
from tests.lungct.readers.dicom_files import (
    change,
    compressed,
    encoded,
    find_one,
    series,
    write_file,
)

# 66 characters, where 64 are allowed.
LONG_UID = "1." + "2" * 64


def warn_as_pydicom(text):
    """Warns from a file of pydicom."""
    path = "/x/site-packages/pydicom/rle.py"
    warnings.warn_explicit(text, UserWarning, path, 1)


def test_warnings_are_caught_and_others_passed_on():
    with pytest.warns(UserWarning, match="of another") as seen, caught_warnings() as texts:
        warn_as_pydicom("of pydicom")
        warnings.warn("of another", UserWarning, stacklevel=1)
        assert texts == []
    assert texts == ["of pydicom"]
    assert len(seen) == 1


def test_the_log_of_pydicom_is_silent_meanwhile(caplog):
    with caught_warnings() as texts:
        Dataset().StudyInstanceUID = LONG_UID
    (text,) = texts
    assert text.startswith("The value length (66)") or text.startswith("Invalid value for VR UI")
    assert caplog.records == []
    logging.getLogger("pydicom").warning("heard")
    assert [record.message for record in caplog.records] == ["heard"]


def test_an_error_within_leaves_the_log_and_the_filters_as_they_were():
    filters = list(warnings.filters)
    with pytest.raises(KeyError), caught_warnings():
        raise KeyError
    assert not logging.getLogger("pydicom").disabled
    assert warnings.filters == filters


def test_a_warning_is_refused_unless_it_is_harmless():
    with pytest.raises(ValueError, match="^damage$"), refused_warnings():
        warn_as_pydicom("Invalid value for VR UI: 'a'")
        warn_as_pydicom("damage")
    with refused_warnings():
        warn_as_pydicom("Invalid value for VR UI: 'a'")
        warn_as_pydicom("The value length (66) exceeds the maximum length of 64 allowed for VR UI.")
        warn_as_pydicom(
            "The number of bytes of compressed pixel data matches the expected number for "
            "uncompressed data - check that the transfer syntax has been set correctly"
        )


ODD_VALUES = {
    "StudyInstanceUID": LONG_UID,
    "FrameOfReferenceUID": LONG_UID,
    "SpecificCharacterSet": "nonsense",
    "PatientName": "a" * 200,
    "PatientAge": "very old",
    "StudyDate": "199",
}


@pytest.mark.parametrize("name", ["", "RLELossless", "JPEGLSLossless", "JPEGLosslessProcess14_1"])
def test_values_that_no_voxel_depends_on_are_read_in_silence(tmp_path, name, recwarn, caplog):
    for number, image in enumerate(series()):
        path = tmp_path / f"slice-{number:02}.dcm"
        change(image, SOPInstanceUID=f"{LONG_UID}.{number}", **ODD_VALUES)
        write_file(path, image)
        if name:
            compressed(path, getattr(gdcm.TransferSyntax, name))
    recwarn.clear()
    caplog.clear()
    assert_reads(find_one(tmp_path))
    assert [str(warning.message) for warning in recwarn] == []
    assert caplog.records == []


def test_warning_while_pixels_are_decoded(tmp_path, monkeypatch):
    for number, image in enumerate(series()):
        (tmp_path / f"slice-{number:02}.dcm").write_bytes(encoded(image))

    def warn(image, frames):
        if image.InstanceNumber == 4:
            warn_as_pydicom("a frame that may be invalid")

    monkeypatch.setattr("lungct.readers.dicom_pixels.decompress", warn)
    assert_refused(find_one(tmp_path), "can be decoded, got a frame that may be invalid in")
