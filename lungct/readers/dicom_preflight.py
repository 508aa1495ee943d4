"""Preflight of DICOM files of CT: what is wrong with a slice is found before a pixel is decoded.

Attributes and their meaning are those of the CT and Enhanced CT Image modules,
https://dicom.nema.org/medical/dicom/current/output/chtml/part03/PS3.3.html.
Whether slices make one volume is judged by `lungct.readers.dicom_stack`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    LegacyConvertedEnhancedCTImageStorage,
)

from lungct.files import open_regular, reason_of
from lungct.geometry import is_orthonormal
from lungct.limits import MAX_COORDINATE_MM, MAX_SIZE, MAX_SPACING_MM, MAX_VOXELS, MIN_SPACING_MM
from lungct.readers.dicom_codestream import plugin_of
from lungct.readers.dicom_decompress import LOSSLESS
from lungct.readers.dicom_fragments import check_fragments
from lungct.readers.dicom_frame import Frame, StoredPixels, directions, frame_name
from lungct.readers.dicom_header import Fields, Header, file_end, one_line, read_header
from lungct.readers.dicom_warnings import caught_warnings
from lungct.scan import ScanError

_MULTI_FRAME = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
CT_KINDS = (CTImageStorage, *_MULTI_FRAME)
_PIXEL_DATA = 0x7FE00010

# Sequences of an enhanced file that hold what a file of one slice has at its top.
_FUNCTIONAL_GROUPS = (
    "PixelMeasuresSequence",
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelValueTransformationSequence",
    "CTImageFrameTypeSequence",
    "CTAcquisitionDetailsSequence",
    "FrameContentSequence",
)

_KEYWORDS = (
    "ImageType", "SOPClassUID", "SOPInstanceUID", "PatientID", "GantryDetectorTilt",
    "SeriesInstanceUID", "AcquisitionNumber", "ImagePositionPatient", "ImageOrientationPatient",
    "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames",
    "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept",
    "RescaleSlope", "RescaleType", "ModalityLUTSequence", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)  # fmt: skip

# Far wider than any scanner's, and narrow enough for HU to stay finite.
_MAX_SLOPE, _MAX_INTERCEPT = 1e3, 1e5


def read_frames(path: str) -> tuple[Frame, ...]:
    """The slices of one file, all of which are CT that can be decoded.

    Args:
        path: A file on this machine.

    Returns:
        One frame of a file of one slice, all frames of an enhanced one, as they are stored.

    Raises:
        ScanError: It is no file of CT images, or anything in its header is missing, impossible
            or contradicts the length of the file.
    """
    try:
        # Elements are converted when they are asked for, so that all of it may warn.
        with open_regular(path) as file, caught_warnings():
            header = read_header(file, _KEYWORDS, path)
            frames = _checked_frames(header, path)
            if header.pixel_bytes is None:
                check_fragments(file, header.pixel_start, header.file_bytes, path)
            return frames
    except ScanError:
        raise
    except OSError as error:
        raise ScanError(f"expected a readable file, got {reason_of(error)} in {path}") from error
    # Elements that are damaged raise anything.
    except Exception as error:
        raise ScanError(f"expected elements of DICOM, got {one_line(error)} in {path}") from error


def _checked_frames(header: Header, path: str) -> tuple[Frame, ...]:
    """The slices of a header, all of which are checked."""
    fields = Fields(path, header.dataset)
    count = _check_kind(header, fields)
    _check_pixel_data(header, fields, count)
    return tuple(_frame(part, path, index, count) for index, part in _parts(fields, count))


def _check_kind(header: Header, fields: Fields) -> int:
    """Number of frames of a file that holds images of CT."""
    kind = fields.text("SOPClassUID")
    if kind not in CT_KINDS:
        name = kind_name(fields.dataset)
        cut_off = not header.pixel_tag and name in ("none", kind)
        got = file_end(header.file_bytes) if cut_off else name
        fields.refuse("a CT image (SOPClassUID)", got)
    if not header.pixel_tag:
        got = file_end(header.file_bytes)
        fields.refuse("PixelData (file truncated or without an image)", got)
    if kind == CTImageStorage:
        return fields.whole("NumberOfFrames", 1, 1) if fields.has("NumberOfFrames") else 1
    count = fields.whole("NumberOfFrames", 1, MAX_SIZE)
    groups = len(fields.dataset.get("PerFrameFunctionalGroupsSequence") or ())
    if groups != count:
        fields.refuse(f"{count} items in PerFrameFunctionalGroupsSequence", str(groups))
    return count


def kind_name(dataset: Dataset) -> str:
    """What a file says that it is, in words where DICOM has any."""
    kind = dataset.get("SOPClassUID")
    return "none" if kind is None else str(getattr(kind, "name", kind))


def _parts(fields: Fields, count: int) -> Iterator[tuple[int, Fields]]:
    """The fields of each frame, wherever an enhanced file holds them."""
    dataset = fields.dataset
    if dataset.SOPClassUID == CTImageStorage:
        yield 0, fields
        return
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for index, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        merged = Dataset()
        merged.update(dataset)
        for group in _FUNCTIONAL_GROUPS:
            items = own.get(group) or shared[0].get(group)
            merged.update(items[0] if items else {})
        yield index, Fields(frame_name(fields.name, index, count), merged)


def _frame(fields: Fields, path: str, index: int, count: int) -> Frame:
    """One slice, checked by itself."""
    for keyword in ("ImageType", "FrameType"):
        if "LOCALIZER" in fields.text(keyword).upper().split("\\"):
            fields.refuse(f"no localizer ({keyword})", fields.shown(keyword))
    x, y, z = fields.numbers("ImagePositionPatient", 3)
    if max(abs(x), abs(y), abs(z)) > MAX_COORDINATE_MM:
        expected = f"ImagePositionPatient within ±{MAX_COORDINATE_MM:g} mm"
        fields.refuse(expected, fields.shown("ImagePositionPatient"))
    return Frame(
        path=path,
        index=index,
        frames_in_file=count,
        series_uid=fields.required_text("SeriesInstanceUID"),
        sop_uid=fields.required_text("SOPInstanceUID"),
        patient_id=fields.text("PatientID"),
        frame_of_reference=fields.text("FrameOfReferenceUID"),
        acquisition=fields.text("FrameAcquisitionNumber") or fields.text("AcquisitionNumber"),
        shape=_shape(fields),
        spacing_mm=_spacing_mm(fields),
        orientation=_orientation(fields),
        position_mm=(x, y, z),
        tilt_degrees=_tilt_degrees(fields),
        pixels=_stored_pixels(fields),
    )


def _shape(fields: Fields) -> tuple[int, int]:
    """Rows and columns."""
    return fields.whole("Rows", 1, MAX_SIZE), fields.whole("Columns", 1, MAX_SIZE)


def _spacing_mm(fields: Fields) -> tuple[float, float]:
    """Distance of pixels along (x, y); DICOM gives the distance of rows, along y, first."""
    y, x = fields.numbers("PixelSpacing", 2)
    if not MIN_SPACING_MM <= min(x, y) <= max(x, y) <= MAX_SPACING_MM:
        expected = f"PixelSpacing of {MIN_SPACING_MM:g} to {MAX_SPACING_MM:g} mm"
        fields.refuse(expected, fields.shown("PixelSpacing"))
    return x, y


def _orientation(fields: Fields) -> tuple[float, ...]:
    """Direction cosines of x and y of the image, of unit length and at right angles."""
    cosines = fields.numbers("ImageOrientationPatient", 6)
    x, y, normal = directions(cosines)
    if not is_orthonormal((*cosines, *normal)):
        fields.refuse(
            "6 orthonormal direction cosines in ImageOrientationPatient",
            fields.shown("ImageOrientationPatient"),
        )
    return tuple(map(float, (*x, *y)))


def _tilt_degrees(fields: Fields) -> float:
    """Declared tilt of the gantry."""
    return fields.number("GantryDetectorTilt", -90, 90) if fields.has("GantryDetectorTilt") else 0.0


def _stored_pixels(fields: Fields) -> StoredPixels:
    """How pixels are stored, which must be a way that is decoded rightly."""
    if fields.has("ModalityLUTSequence"):
        fields.refuse("RescaleSlope and RescaleIntercept", "ModalityLUTSequence")
    unit = fields.text("RescaleType")
    # Unspecified is what GDCM writes into files that it codes anew; most files say nothing.
    if unit not in ("", "HU", "US"):
        fields.refuse("RescaleType HU", fields.shown("RescaleType"))
    slope = fields.number("RescaleSlope", -_MAX_SLOPE, _MAX_SLOPE)
    if slope <= 0:
        fields.refuse("a positive RescaleSlope", fields.shown("RescaleSlope"))
    intercept = fields.number("RescaleIntercept", -_MAX_INTERCEPT, _MAX_INTERCEPT)
    allocated = _bits_allocated(fields)
    stored = fields.whole("BitsStored", 8, allocated)
    if fields.has("HighBit"):
        fields.whole("HighBit", stored - 1, stored - 1)
    signed = bool(fields.whole("PixelRepresentation", 0, 1))
    return StoredPixels(
        allocated, stored, signed, slope, intercept, _padding(fields, allocated, signed)
    )


def _bits_allocated(fields: Fields) -> int:
    """Bits of one pixel of one grey value."""
    fields.whole("SamplesPerPixel", 1, 1)
    colours = fields.text("PhotometricInterpretation")
    if colours not in ("MONOCHROME1", "MONOCHROME2"):
        expected = "PhotometricInterpretation MONOCHROME1 or MONOCHROME2"
        fields.refuse(expected, fields.shown("PhotometricInterpretation"))
    allocated = fields.whole("BitsAllocated", 8, 32)
    if allocated not in (8, 16, 32):
        fields.refuse("BitsAllocated 8, 16 or 32", str(allocated))
    return allocated


def _padding(fields: Fields, bits: int, signed: bool) -> tuple[int, int] | None:
    """Declared range of padding, as values of the stored type."""
    names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    ends = [_padding_value(fields, name, bits, signed) for name in names if fields.has(name)]
    if not fields.has(names[0]):
        return None
    return min(ends), max(ends)


def _padding_value(fields: Fields, keyword: str, bits: int, signed: bool) -> int:
    """One declared padding, which writers give with or without the sign of the pixels."""
    value = fields.dataset.get(keyword)
    # Without a type in the file, which is little-endian then, pydicom leaves the bytes.
    if isinstance(value, bytes):
        value = int.from_bytes(value, "little")
    wrapped = int(value) % (1 << bits)
    return wrapped - (1 << bits) if signed and wrapped >> (bits - 1) else wrapped


def _check_pixel_data(header: Header, fields: Fields, count: int) -> None:
    """Compares the length of the pixels with what the header promises."""
    _check_transfer_syntax(header, fields)
    if header.pixel_tag != _PIXEL_DATA:
        fields.refuse("PixelData of whole numbers", "float")
    rows, columns = _shape(fields)
    if rows * columns * count > MAX_VOXELS:
        fields.refuse(f"at most {MAX_VOXELS} pixels", f"{rows} x {columns} x {count}")
    found = header.file_bytes - header.pixel_start
    if header.pixel_bytes is None:
        # Fragments say their length one by one.
        return
    promised = rows * columns * count * _bits_allocated(fields) // 8
    if header.pixel_bytes not in (promised, promised + promised % 2):
        fields.refuse(f"PixelData of {promised} bytes", f"{header.pixel_bytes} bytes")
    if found < promised:
        fields.refuse(f"PixelData of {promised} bytes (file truncated)", f"{found} bytes")


def _check_transfer_syntax(header: Header, fields: Fields) -> None:
    """Refuses a coding that none of the installed decoders reads."""
    uid = header.transfer_syntax
    if not uid:
        fields.refuse("a TransferSyntaxUID", "none")
    # highdicom reads no big-endian files, which the standard has given up.
    if uid == ExplicitVRBigEndian or (uid not in LOSSLESS and plugin_of(uid) is None):
        fields.refuse("a transfer syntax that can be decoded", uid)
    encapsulated = header.dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if header.pixel_tag and encapsulated != (header.pixel_bytes is None):
        how = "in fragments" if encapsulated else "of a stated length"
        fields.refuse(f"PixelData {how}, as {uid} has", "the other")
