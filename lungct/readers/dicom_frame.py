"""One slice of a CT in DICOM, as its header describes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lungct.geometry import FloatArray


@dataclass(frozen=True)
class StoredPixels:
    """How the pixels of a slice are stored.

    Attributes:
        bits_allocated: 8, 16 or 32.
        bits_stored: How many of them hold the value.
        signed: Whether the value has a sign.
        slope: Hounsfield units = slope x stored value + intercept.
        intercept: See slope.
        padding: Lowest and highest stored value, both inclusive, that the header declares as
            padding; None where it declares none.
    """

    bits_allocated: int
    bits_stored: int
    signed: bool
    slope: float
    intercept: float
    padding: tuple[int, int] | None = None


@dataclass(frozen=True)
class Frame:
    """One slice: a file of a series, or one frame of a file of many.

    Attributes:
        path: The file.
        index: Which frame of the file, from 0.
        frames_in_file: Frames of the file; 1 for a file of one slice.
        series_uid: Series instance UID.
        sop_uid: SOP instance UID, unique for each file.
        patient_id: Patient ID, may be empty.
        frame_of_reference: UID of the world that its position is in, may be empty.
        acquisition: Acquisition number, may be empty.
        shape: Rows and columns.
        spacing_mm: Distance of pixel centres along (x, y) of the image.
        orientation: Direction cosines of x and of y of the image, in the patient's LPS.
        position_mm: World (x, y, z) of the centre of the first pixel.
        tilt_degrees: Tilt of the gantry as the header declares it; 0 where it declares none.
        pixels: How its pixels are stored.
    """

    path: str
    index: int
    frames_in_file: int
    series_uid: str
    sop_uid: str
    patient_id: str
    frame_of_reference: str
    acquisition: str
    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    orientation: tuple[float, ...]
    position_mm: tuple[float, float, float]
    tilt_degrees: float
    pixels: StoredPixels

    @property
    def name(self) -> str:
        """What messages name."""
        return frame_name(self.path, self.index, self.frames_in_file)


def frame_name(path: str, index: int, frames_in_file: int) -> str:
    """Name of a slice for messages: the file, and which of its frames where it has several."""
    return path if frames_in_file == 1 else f"frame {index + 1} of {path}"


def directions(cosines: tuple[float, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Directions of the axes of a slice, freed of what rounding in the file left.

    Args:
        cosines: Six direction cosines, those of x and y of the image.

    Returns:
        Unit vectors (x, y, z) in the world along x, y and the normal of the image, at right
        angles and right-handed; NaN where the cosines name no plane.
    """
    x, y = np.asarray(cosines[:3], dtype=np.float64), np.asarray(cosines[3:], dtype=np.float64)
    with np.errstate(all="ignore"):
        x = x / np.linalg.norm(x)
        y = y - (x @ y) * x
        y = y / np.linalg.norm(y)
    # Adding zero leaves no minus before a zero.
    return x + 0.0, y + 0.0, np.cross(x, y) + 0.0
