"""Codings of DICOM that are not read, and compressed pixels that are not what a file says."""

from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    RLELossless,
)

from lungct.geometry import Geometry
from lungct.readers.dicom import READER
from lungct.readers.dicom_pixels import read_voxels
from lungct.readers.dicom_preflight import read_frames
from lungct.scan import ScanError
from tests.lungct.readers.dicom_asserts import ODD, assert_refused
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    INTERCEPT,
    change,
    compressed,
    enhanced,
    hu,
    replace_bytes,
    series,
    store,
    write,
)


@pytest.fixture
def images():
    return series()


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
    # An element of pixels in fragments has 12 bytes before them; what ends them has 8.
    whole = len(data) - data.index(b"\xe0\x7f\x10\0OB") - 12
    (tmp_path / ODD).write_bytes(data[:-60])
    promised, got = whole - 8, whole - 60
    cause = f"at least {promised} bytes of coded pixels, got {got} (file truncated)"
    assert_refused(files, cause)
    (tmp_path / ODD).write_bytes(data[:-8])
    assert_refused(
        files, f"at least {whole} bytes of coded pixels, got {promised} (file truncated)"
    )


def test_what_is_no_fragment(tmp_path, images):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.RLELossless)
    data = (tmp_path / ODD).read_bytes()
    at = len(data) - 8
    (tmp_path / ODD).write_bytes(data[:at] + b"abcd" + data[at + 4 :])
    assert_refused(files, f"expected a fragment of coded pixels at byte {at}, got tag 61626364")


def _recode(path, damage):
    """Puts the only frame of a file, damaged, into fragments that are whole."""
    image = dcmread(path)
    (frame,) = generate_frames(image.PixelData, number_of_frames=1)
    image.PixelData = encapsulate([damage(frame)])
    image.save_as(path)


def _run_lengths(*segments):
    """One frame of run lengths."""
    starts, data = [], b""
    for segment in segments:
        starts.append(64 + len(data))
        data += segment
    words = [len(segments), *starts, *[0] * (15 - len(starts))]
    return b"".join(word.to_bytes(4, "little") for word in words) + data


# 12 x 16 pixels are 192 bytes of each segment: a run of 128 zeros and one of 64, which is 257 less
# the length; a run of 66 is two bytes too long.
_WHOLE, _LONG, _SHORT = bytes([129, 0, 193, 0]), bytes([129, 0, 191, 0]), bytes([129, 0, 195, 0])


def test_run_lengths_made_by_hand(tmp_path, images):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.RLELossless)
    _recode(tmp_path / ODD, lambda _: _run_lengths(_WHOLE, _WHOLE))
    assert (READER.read(files).hu[3] == INTERCEPT).all()


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (_run_lengths(_LONG, _WHOLE), "non-conformant padding - 194 vs. 192 bytes"),
        (_run_lengths(_WHOLE, _LONG), "non-conformant padding - 194 vs. 192 bytes"),
        (_run_lengths(_SHORT, _WHOLE), "doesn't match the expected amount (190 vs. 192 bytes)"),
        (_run_lengths(_WHOLE), "got 1 segments of run lengths at bytes [64, 0] of 68 where"),
        (_run_lengths(_WHOLE, _WHOLE, _WHOLE), "got 3 segments of run lengths at bytes [64, 68]"),
        (_run_lengths(_WHOLE, b""), "got 2 segments of run lengths at bytes [64, 68] of 68 where"),
        (_run_lengths(_WHOLE, _WHOLE)[:40], "got 2 segments of run lengths at bytes [64, 68] of"),
        (b"\2\0\0\0\x50" + _run_lengths(_WHOLE, _WHOLE)[5:], "at bytes [80, 68] of 72 where"),
    ],
)
def test_run_lengths_of_other_lengths(tmp_path, images, frame, cause):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.RLELossless)
    _recode(tmp_path / ODD, lambda _: frame)
    assert_refused(files, cause)


def test_run_lengths_with_a_part_of_zeros(tmp_path, images):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.RLELossless)
    _recode(tmp_path / ODD, lambda frame: frame[:80] + bytes(40) + frame[120:])
    assert_refused(files, "expected pixels that can be decoded, got ")


@pytest.mark.parametrize("name", CODINGS[1:])
def test_codestream_that_is_cut_within_its_fragment(tmp_path, images, name):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, getattr(gdcm.TransferSyntax, name))
    _recode(tmp_path / ODD, lambda frame: frame[:-60])
    assert_refused(files, "expected pixels that can be decoded, got a truncated frame, ")


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


def test_damaged_codestream_of_jpeg_lossless(tmp_path, images):
    files = write(tmp_path, images)
    compressed(tmp_path / ODD, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    # The first component of the scan becomes one that the frame does not have.
    _recode(tmp_path / ODD, lambda frame: _replaced(frame, b"\xff\xda\0\x08\x01", 4, 9))
    assert_refused(files, "can be decoded, got a damaged codestream of JPEG Lossless in")


def _replaced(data, after, at, value):
    """Bytes with another value in a marker that is there once."""
    place = data.index(after) + at + 1
    return data[:place] + bytes([value]) + data[place + 1 :]
