"""Pixels of DICOM slices to one volume in Hounsfield units, with padding made air.

Padding marks what lies outside the circle that a scanner measured. It is compared as it is stored:
-2000 is -3024 HU after the usual intercept, but 62512 HU where it was written as unsigned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom import Image
from pydicom import dcmread
from pydicom.pixels.decoders.base import get_decoder

from lungct.files import open_regular
from lungct.readers.dicom_codestream import check_codestreams
from lungct.readers.dicom_decompress import decompress
from lungct.readers.dicom_frame import Frame
from lungct.readers.dicom_header import one_line
from lungct.readers.dicom_warnings import caught_warnings, refused_warnings
from lungct.readers.hounsfield import HuArray
from lungct.scan import HU_MAX, HU_MIN, ScanError
from lungct.words import counted

# The padding that scanners write without saying so, and the least HU that it has as unsigned.
_COMMON_PADDING, _NO_CT_HU = -2000, 30_000

_INT16 = np.iinfo(np.int16)

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class _Plane:
    """One decoded slice.

    Attributes:
        frame: What its header says.
        stored: Stored values.
        words: Stored values as they are if the bits that hold no value are taken for value too.
        hu: Hounsfield units of the stored values.
    """

    frame: Frame
    stored: Pixels
    words: Pixels
    hu: npt.NDArray[np.float32]


def read_voxels(frames: Sequence[Frame]) -> tuple[HuArray, tuple[str, ...]]:
    """Decodes slices into one volume.

    Args:
        frames: Slices that passed the preflight, in the order of the volume.

    Returns:
        (z, y, x) int16 HU, where values beyond int16 are cut off and padding is HU_MIN; and which
        padding would have been tissue, in words.

    Raises:
        ScanError: The pixels of a slice can't be decoded, or are not as its header says.
    """
    volume = np.empty((len(frames), *frames[0].shape), dtype=np.int16)
    found: Counter[str] = Counter()
    path, image = "", None
    for frame, target in zip(frames, volume, strict=True):
        try:
            with refused_warnings():
                if image is None or frame.path != path:
                    path, image = frame.path, _open_image(frame)
                plane = _decode(image, frame)
        # Decoders raise whatever the libraries below them do.
        except Exception as error:
            raise ScanError(
                f"expected pixels that can be decoded, got {one_line(error)} in {frame.name}"
            ) from error
        _clear_padding(plane, found)
        target[...] = np.clip(np.rint(plane.hu), _INT16.min, _INT16.max)
    return volume, tuple(
        f"{text} in {counted(number, 'slice')}" for text, number in sorted(found.items())
    )


def _open_image(frame: Frame) -> Image:
    """One file with its pixels in memory, decoded by pydicom."""
    # Whatever is odd in other elements, the preflight judged those that matter.
    with open_regular(frame.path) as file, caught_warnings():
        dataset = dcmread(file)
    check_codestreams(dataset, frame.frames_in_file, frame.shape)
    decompress(dataset, frame.frames_in_file)
    with caught_warnings():
        image = Image.from_dataset(dataset, copy=False)
    # highdicom reads single frames as if all allocated bits were stored, which may lose a sign:
    # once pydicom has read the whole file, it takes those.
    image.pixel_array  # noqa: B018
    return image


def _decode(image: Image, frame: Frame) -> _Plane:
    """A slice, its HU by its own slope and intercept."""
    stored = image.get_stored_frame(frame.index, as_index=True)
    hu = image.get_frame(
        frame.index,
        as_index=True,
        dtype=np.float32,
        apply_real_world_transform=False,
        apply_modality_transform=True,
        apply_presentation_lut=False,
    )
    if stored.shape != frame.shape or hu.shape != frame.shape:
        raise ValueError(f"a slice of shape {hu.shape} where the header says {frame.shape}")
    words = stored
    if frame.pixels.bits_stored < frame.pixels.bits_allocated:
        decoder = get_decoder(image.file_meta.TransferSyntaxUID)
        options: Any = {"correct_unused_bits": False}
        words = decoder.as_array(image, index=frame.index, **options)[0]
    return _Plane(frame, stored, words, hu)


def _clear_padding(plane: _Plane, found: Counter[str]) -> None:
    """Makes padding HU_MIN; counts in `found` what was above that.

    Padding is often the one thing that is written with more bits than a file says.

    Args:
        plane: The slice, whose HU are changed.
        found: Texts of repairs, and in how many slices each was done.

    Raises:
        ScanError: There are other values of more bits than the header says.
    """
    frame, pixels = plane.frame, plane.frame.pixels
    value_bits = plane.stored.astype(np.int64) & ((1 << pixels.bits_stored) - 1)
    beyond = (plane.words != plane.stored) & (plane.words != value_bits)
    plane.hu[beyond] = plane.words[beyond] * np.float64(pixels.slope) + pixels.intercept
    if pixels.padding is not None:
        low, high = pixels.padding
        for values in (plane.stored, plane.words):
            part = (values >= low) & (values <= high)
            beyond &= ~_clear(plane, part, f"declared padding {_range(low, high)}", found)
    for value in _undeclared(plane):
        part = plane.words == value
        beyond &= ~_clear(plane, part, f"undeclared padding {value}", found)
    if beyond.any():
        raise ScanError(
            f"expected stored values of {pixels.bits_stored} bits, got "
            f"{plane.words[beyond][0]} in {frame.name}"
        )


def _range(low: int, high: int) -> str:
    """One value or two."""
    return f"{low}" if low == high else f"{low} to {high}"


def _clear(
    plane: _Plane, part: npt.NDArray[np.bool_], what: str, found: Counter[str]
) -> npt.NDArray[np.bool_]:
    """Makes a part of a slice HU_MIN, and gives that part."""
    highest = plane.hu[part].max(initial=HU_MIN)
    if highest > HU_MIN:
        found[f"{what} ({highest:g} HU) taken for air"] += 1
    plane.hu[part] = HU_MIN
    return part


def _undeclared(plane: _Plane) -> list[int]:
    """Stored values that can be nothing but padding.

    In a corner of the picture there is air, bed or nothing: a value outside the range of HU there
    is padding, wherever it comes again.
    """
    ends = np.ix_((0, -1), (0, -1))
    corners, pixels = plane.hu[ends], plane.frame.pixels
    values = set(plane.words[ends][(corners > HU_MAX) | (corners < HU_MIN)].tolist())
    common = _COMMON_PADDING % (1 << pixels.bits_allocated)
    if not pixels.signed and common * pixels.slope + pixels.intercept > _NO_CT_HU:
        values.add(common)
    return sorted(values)
