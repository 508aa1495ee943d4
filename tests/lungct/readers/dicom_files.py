"""Small series of CT in DICOM, whole and damaged, written in code."""

import os
from pathlib import Path

import gdcm
import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
)

from lungct.files import open_regular
from lungct.geometry import Geometry, direction_matrix
from lungct.readers.dicom import READER
from lungct.readers.layout import Listing, ScanFiles

GEOMETRY = Geometry((6, 12, 16), (-10.5, 20.25, -300.0), (0.7, 0.8, 2.5))
SERIES_UID, PATIENT_ID = "1.2.3.4", "patient-1"
INTERCEPT = -1024


def hu(geometry: Geometry = GEOMETRY) -> np.ndarray:
    """(z, y, x) int16 HU of air and tissue, of which no part is like another."""
    generator = np.random.default_rng(7)
    volume = generator.integers(-1000, 400, geometry.shape, dtype=np.int16)
    volume[:, :1], volume[:, :, :1] = -1000, -1000
    volume[:, -1:], volume[:, :, -1:] = -1000, -1000
    return volume


def series(volume: np.ndarray | None = None, geometry: Geometry = GEOMETRY) -> list[Dataset]:
    """Slices of a volume, stored unsigned as HU + 1024."""
    volume = hu(geometry) if volume is None else volume
    slices = []
    for z, plane in enumerate(volume):
        image = _common(CTImageStorage, f"{SERIES_UID}.{z + 1}", geometry)
        x, y, z_mm = geometry.voxel_to_world((z, 0, 0))
        image.InstanceNumber = z + 1
        image.AcquisitionNumber = 1
        image.ImagePositionPatient = [float(x), float(y), float(z_mm)]
        image.ImageOrientationPatient = _cosines(geometry)
        image.PixelSpacing = [geometry.spacing_mm[1], geometry.spacing_mm[0]]
        image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 1, INTERCEPT, "HU"
        store(image, plane - INTERCEPT)
        slices.append(image)
    return slices


def enhanced(volume: np.ndarray | None = None, geometry: Geometry = GEOMETRY) -> Dataset:
    """The same volume as one file of many frames."""
    volume = hu(geometry) if volume is None else volume
    image = _common(EnhancedCTImageStorage, f"{SERIES_UID}.1", geometry)
    image.NumberOfFrames = len(volume)
    shared, frame_type, measures, orientation, rescale = (Dataset() for _ in range(5))
    frame_type.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    measures.PixelSpacing = [geometry.spacing_mm[1], geometry.spacing_mm[0]]
    orientation.ImageOrientationPatient = _cosines(geometry)
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, INTERCEPT, "HU"
    shared.CTImageFrameTypeSequence = [frame_type]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelValueTransformationSequence = [rescale]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = [_own_groups(z, geometry) for z in range(len(volume))]
    store(image, volume - INTERCEPT)
    return image


def _own_groups(z: int, geometry: Geometry) -> Dataset:
    """What an enhanced file says of one frame alone."""
    own, plane, content = Dataset(), Dataset(), Dataset()
    plane.ImagePositionPatient = [float(mm) for mm in geometry.voxel_to_world((z, 0, 0))]
    content.FrameAcquisitionNumber = 1
    own.PlanePositionSequence = [plane]
    own.FrameContentSequence = [content]
    return own


def _cosines(geometry: Geometry) -> list[float]:
    """Directions of x and y of the image."""
    columns = direction_matrix(geometry.direction).T
    return [float(cosine) for cosine in (*columns[0], *columns[1])]


def _common(sop_class: str, sop_uid: str, geometry: Geometry) -> Dataset:
    """What both kinds of file have at their top."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = sop_class, sop_uid
    image.Modality, image.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.PatientID, image.PatientName = PATIENT_ID, "A^B"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3", SERIES_UID
    image.FrameOfReferenceUID = "1.2.3.5"
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = geometry.shape[1:]
    return image


def store(image: Dataset, stored: np.ndarray, dtype: str = "<u2", bits: int | None = None) -> None:
    """Puts stored values into a file, with the elements that say how."""
    kind = np.dtype(dtype)
    image.BitsAllocated = kind.itemsize * 8
    image.BitsStored = bits or image.BitsAllocated
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(kind.kind == "i")
    data = np.ascontiguousarray(stored).astype(kind).tobytes()
    image.PixelData = data + b"\0" * (len(data) % 2)
    image["PixelData"].VR = "OB" if kind.itemsize == 1 else "OW"


def change(image: Dataset, **elements: object) -> Dataset:
    """Sets elements; None removes one."""
    for keyword, value in elements.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


def write(folder: Path, images: list[Dataset], names: list[str] | None = None) -> ScanFiles:
    """Writes a folder of files, named slice-00.dcm and so on, and gives what is found there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        name = names[number] if names else f"slice-{number:02}.dcm"
        write_file(folder / name, image)
    return find_one(folder)


def write_file(path: Path, image: Dataset) -> None:
    """Writes one file."""
    # Those that pydicom asks for; the reader goes by what the image says.
    image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.6"
    image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dcmwrite(path, image, enforce_file_format=True)


def encoded(image: Dataset) -> bytes:
    """The bytes of one file."""
    buffer = DicomBytesIO()
    write_file(buffer, image)
    return buffer.getvalue()


def listing(root: Path) -> Listing:
    """All files below a folder."""
    below = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
    return Listing(str(root), tuple(sorted(below)), open_regular)


def find_one(folder: Path) -> ScanFiles:
    """The scan whose files lie directly in a folder."""
    (files,) = (files for files in READER.find(listing(folder)) if files.path == str(folder))
    return files


def compressed(path: Path, syntax: "gdcm.TransferSyntax") -> None:
    """Codes the pixels of a file in another transfer syntax, without loss."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise RuntimeError(f"expected a file that gdcm reads, got {path}")
    coder = gdcm.ImageChangeTransferSyntax()
    coder.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    coder.SetInput(reader.GetImage())
    if not coder.Change():
        raise RuntimeError(f"expected pixels that gdcm can code, got those of {path}")
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(coder.GetOutput())
    if not writer.Write():
        raise RuntimeError(f"expected to write {path}")


def replace_bytes(path: Path, old: bytes, new: bytes) -> None:
    """Puts bytes of the same length in place of others that are there once."""
    data = path.read_bytes()
    if len(old) != len(new) or data.count(old) != 1:
        raise ValueError(f"expected {old!r} once and as long as {new!r}, got {data.count(old)}")
    path.write_bytes(data.replace(old, new))


def transfer_syntax(path: Path) -> str:
    """UID of how a file is coded."""
    return str(dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)
