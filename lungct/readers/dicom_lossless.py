"""JPEG Lossless in DICOM, decoded by the GDCM within SimpleITK.

Only GDCM reads this coding. Called from pydicom it ends the whole process where a codestream is
damaged; SimpleITK makes an exception of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLossless, JPEGLosslessSV1

LOSSLESS = (JPEGLossless, JPEGLosslessSV1)


def decompress_lossless(image: Dataset, frames: int) -> None:
    """Puts plain pixels in place of JPEG Lossless; leaves other codings as they are.

    Args:
        image: A file with its pixels, whose elements say how they are stored.
        frames: How many frames it has.

    Raises:
        RuntimeError: A codestream can't be decoded.
    """
    if image.file_meta.TransferSyntaxUID not in LOSSLESS:
        return
    dtype = np.dtype(f"<u{image.BitsAllocated // 8}")
    planes = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.dcm"
        for data in generate_frames(image.PixelData, number_of_frames=frames):
            _write_frame(path, image, data)
            values = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
            planes.append(values.astype(dtype).tobytes())
    image.PixelData = b"".join(planes)
    image["PixelData"].VR, image["PixelData"].is_undefined_length = "OW", False
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


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
