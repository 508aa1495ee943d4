"""Whether slices of CT in DICOM make one volume, and on which grid.

Readers in common use put slices in a row whatever lies between them: here a missing, doubled,
shifted or foreign slice is refused by name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np

from lungct.geometry import ORTHONORMAL_TOLERANCE, FloatArray, Geometry
from lungct.limits import MAX_SIZE, MAX_SPACING_MM, MAX_VOXELS, MIN_SPACING_MM
from lungct.readers.dicom_frame import Frame, directions
from lungct.scan import ScanError
from lungct.words import counted

# Scanners round positions to a tenth of a millimetre at worst; a slice that is missing moves its
# neighbours by half the spacing at least.
_MAX_DEVIATION_MM, _MAX_DEVIATION_OF_SPACING = 0.1, 0.2

_MAX_TILT_DEGREES = 0.1


def stack_frames(frames: Sequence[Frame], folder: str) -> tuple[tuple[Frame, ...], Geometry]:
    """Slices in the order of their positions, whatever the names of their files.

    Args:
        frames: The slices of one folder, each checked by itself.
        folder: The folder, for messages.

    Returns:
        The slices along the normal of the image, and the grid of the volume that they make.

    Raises:
        ScanError: They are of several series, or don't lie on one regular grid.
    """
    if len(frames) < 2:
        names = frames[0].name if frames else folder
        raise ScanError(
            f"expected at least 2 slices, as one has no spacing, got {len(frames)} in {names}"
        )
    _check_identity(frames)
    _check_shape(frames, folder)
    x, y, normal = directions(frames[0].orientation)
    ordered = tuple(sorted(frames, key=lambda frame: float(normal @ frame.position_mm)))
    positions = np.array([frame.position_mm for frame in ordered])
    depths = positions @ normal
    _check_distinct(ordered, depths)
    _check_aligned(ordered, positions - np.outer(depths, normal), depths)
    spacing_mm = _even_spacing_mm(ordered, depths)
    direction = tuple(float(cosine) for cosine in np.stack([x, y, normal], axis=1).ravel())
    shape = (len(ordered), *ordered[0].shape)
    return ordered, Geometry(
        shape, ordered[0].position_mm, (*ordered[0].spacing_mm, spacing_mm), direction
    )


def _check_identity(frames: Sequence[Frame]) -> None:
    """Refuses slices of several series, patients or worlds, and files that are there twice."""
    files = {frame.path for frame in frames}
    for frame in frames:
        if frame.frames_in_file > 1 and len(files) > 1:
            raise ScanError(
                f"expected a file of many frames alone in its folder, got "
                f"{counted(len(files), 'file')} beside {frame.path}"
            )
    _check_same(frames, "SeriesInstanceUID", lambda frame: frame.series_uid)
    _check_same(frames, "PatientID", lambda frame: frame.patient_id)
    _check_same(frames, "FrameOfReferenceUID", lambda frame: frame.frame_of_reference)
    seen: dict[str, str] = {}
    for frame in frames:
        first = seen.setdefault(frame.sop_uid, frame.path)
        if first != frame.path:
            raise ScanError(
                f"expected a SOPInstanceUID for each file, got {frame.sop_uid} of {first} again "
                f"in {frame.path}"
            )


def _check_shape(frames: Sequence[Frame], folder: str) -> None:
    """Refuses slices of several sizes, spacings or orientations, and more than fit."""
    _check_same(frames, "Rows and Columns", lambda frame: frame.shape)
    number = len(frames) * math.prod(frames[0].shape)
    if len(frames) > MAX_SIZE or number > MAX_VOXELS:
        raise ScanError(
            f"expected at most {MAX_VOXELS} voxels in {MAX_SIZE} slices, got {number} voxels in "
            f"{counted(len(frames), 'slice')} in {folder}"
        )
    _check_close(frames, "PixelSpacing", lambda frame: frame.spacing_mm)
    _check_close(frames, "ImageOrientationPatient", lambda frame: frame.orientation)


def _check_same(frames: Sequence[Frame], name: str, value_of: Callable[[Frame], object]) -> None:
    """Refuses the first slice whose value is not that of most."""
    counts = Counter(value_of(frame) for frame in frames)
    usual, number = counts.most_common(1)[0]
    for frame in frames:
        if value_of(frame) != usual:
            _refuse_odd(
                f"{name} {usual} as in {number} of {counted(len(frames), 'slice')}", frame, value_of
            )


def _check_close(
    frames: Sequence[Frame], name: str, value_of: Callable[[Frame], tuple[float, ...]]
) -> None:
    """Refuses the first slice whose numbers are not those of most, but for rounding."""
    usual = Counter(value_of(frame) for frame in frames).most_common(1)[0][0]
    for frame in frames:
        if not np.allclose(value_of(frame), usual, rtol=0, atol=ORTHONORMAL_TOLERANCE):
            _refuse_odd(f"{name} {usual} as in other slices", frame, value_of)


def _refuse_odd(expected: str, frame: Frame, value_of: Callable[[Frame], object]) -> NoReturn:
    """Raises ScanError for a slice unlike the others."""
    raise ScanError(f"expected {expected}, got {value_of(frame) or 'none'} in {frame.name}")


def _check_distinct(ordered: Sequence[Frame], depths: FloatArray) -> None:
    """Refuses two slices at one position, such as those of two acquisitions."""
    for one, other, step_mm in zip(ordered, ordered[1:], np.diff(depths), strict=False):
        if step_mm < MIN_SPACING_MM:
            acquisitions = f"acquisitions {one.acquisition} and {other.acquisition}"
            of = f" (of {acquisitions})" if one.acquisition != other.acquisition else ""
            raise ScanError(
                f"expected one slice at a position, got two{of} at {other.position_mm} mm in "
                f"{one.name} and {other.name}"
            )


def _check_aligned(ordered: Sequence[Frame], offsets: FloatArray, depths: FloatArray) -> None:
    """Refuses slices that don't lie straight above each other.

    Args:
        ordered: The slices.
        offsets: Their positions in mm without what lies along the normal.
        depths: Their positions in mm along the normal.
    """
    shifts = np.linalg.norm(offsets - np.median(offsets, axis=0), axis=1)
    worst = int(shifts.argmax())
    tilted = [frame for frame in ordered if abs(frame.tilt_degrees) > _MAX_TILT_DEGREES]
    lean = (offsets[-1] - offsets[0]) / (depths[-1] - depths[0])
    straight = offsets[0] + np.outer(depths - depths[0], lean)
    if tilted:
        degrees, frame = tilted[0].tilt_degrees, tilted[0]
    elif shifts[worst] <= _MAX_DEVIATION_MM:
        return
    elif np.abs(offsets - straight).max() <= _MAX_DEVIATION_MM and len(ordered) > 2:
        degrees, frame = math.degrees(math.atan(np.linalg.norm(lean))), ordered[-1]
    else:
        raise ScanError(
            "expected slices straight above each other, got one shifted sideways by "
            f"{shifts[worst]:.2f} mm in {ordered[worst].name}"
        )
    raise ScanError(
        "expected slices at right angles to their stack, got a tilt of the gantry by "
        f"{degrees:.1f} degrees in {frame.name}"
    )


def _even_spacing_mm(ordered: Sequence[Frame], depths: FloatArray) -> float:
    """Distance of slices in mm, the same between all."""
    mean_mm = float(depths[-1] - depths[0]) / (len(depths) - 1)
    even = depths[0] + mean_mm * np.arange(len(depths))
    allowed_mm = min(_MAX_DEVIATION_MM, _MAX_DEVIATION_OF_SPACING * mean_mm)
    if np.abs(depths - even).max() > allowed_mm:
        steps = np.diff(depths)
        usual_mm = float(np.median(steps))
        worst = int(np.abs(steps - usual_mm).argmax())
        raise ScanError(
            f"expected slices {usual_mm:.3f} mm apart (one missing or unevenly spaced), got a gap "
            f"of {steps[worst]:.3f} mm between {ordered[worst].name} and {ordered[worst + 1].name}"
        )
    if mean_mm > MAX_SPACING_MM:
        raise ScanError(
            f"expected slices at most {MAX_SPACING_MM:g} mm apart, got {mean_mm:.3f} mm between "
            f"{ordered[0].name} and {ordered[1].name}"
        )
    return mean_mm
