"""Compressed pixels of DICOM made plain, by decoders that raise on damaged pixels.

Only GDCM reads JPEG Lossless. Called from pydicom it ends the whole process where a codestream is
damaged; SimpleITK, which has a GDCM within, makes an exception of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy.typing as npt
import SimpleITK as sitk
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLossless, JPEGLosslessSV1

from lungct.readers.dicom_codestream import plugin_of
from lungct.readers.dicom_warnings import caught_warnings

LOSSLESS = (JPEGLossless, JPEGLosslessSV1)


def decompress(image: Dataset, frames: int) -> None:
    """Puts plain pixels in place of compressed ones; leaves plain ones as they are.

    Bits that are not stored stay as they come out of the codestream.

    Args:
        image: A file with its pixels, whose codestreams agree with its elements.
        frames: How many frames it has.

    Raises:
        Exception: A codestream can't be decoded; of the type that the decoder takes.
    """
    uid = image.file_meta.TransferSyntaxUID
    if not uid.is_encapsulated:
        return
    if uid in LOSSLESS:
        image.PixelData = _lossless_pixels(image, frames)
    else:
        options: Any = {"correct_unused_bits": False, "decoding_plugin": plugin_of(uid) or ""}
        values = get_decoder(uid).as_array(image, **options)[0]
        sign = "i" if image.PixelRepresentation else "u"
        image.PixelData = values.astype(f"<{sign}{image.BitsAllocated // 8}").tobytes()
    image["PixelData"].VR, image["PixelData"].is_undefined_length = "OW", False
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _lossless_pixels(image: Dataset, frames: int) -> bytes:
    """Stored values of all frames in JPEG Lossless, little-endian."""
    planes = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.dcm"
        for data in generate_frames(image.PixelData, number_of_frames=frames):
            # The UID may be one that pydicom warns of.
            with caught_warnings():
                _write_frame(path, image, data)
            planes.append(_decoded(path).astype(f"<u{image.BitsAllocated // 8}").tobytes())
    return b"".join(planes)


def _decoded(path: Path) -> npt.NDArray[Any]:
    """Values of a file of one frame, as GDCM decodes it."""
    try:
        image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    # Its text names a place in the code of SimpleITK and a file that is gone by then.
    except RuntimeError as error:
        raise ValueError("a damaged codestream of JPEG Lossless") from error
    values: npt.NDArray[Any] = sitk.GetArrayFromImage(image)
    return values


def _write_frame(path: Path, image: Dataset, data: bytes) -> None:
    """Writes one codestream as a file whose bits are all stored, without sign or rescale."""
    frame = Dataset()
    frame.file_meta = FileMetaDataset()
    frame.file_meta.TransferSyntaxUID = image.file_meta.TransferSyntaxUID
    frame.SOPClassUID, frame.SOPInstanceUID = CTImageStorage, image.SOPInstanceUID
    frame.Rows, frame.Columns = image.Rows, image.Columns
    frame.BitsAllocated = frame.BitsStored = image.BitsAllocated
    frame.HighBit, frame.PixelRepresentation = image.BitsAllocated - 1, 0
    frame.SamplesPerPixel, frame.PhotometricInterpretation = 1, "MONOCHROME2"
    frame.RescaleSlope, frame.RescaleIntercept = 1, 0
    frame.PixelData = encapsulate([data])
    dcmwrite(path, frame, enforce_file_format=True)
