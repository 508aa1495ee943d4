"""Pixels of DICOM slices to one volume in Hounsfield units, with padding made air.

Padding marks what lies outside the circle that a scanner measured. It is compared as it is stored:
-2000 is -3024 HU after the usual intercept, but 62512 HU where it was written as unsigned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom import Image
from pydicom import dcmread

from lungct.files import open_regular
from lungct.hounsfield import HuArray
from lungct.readers.dicom_frame import Frame
from lungct.readers.dicom_header import one_line
from lungct.scan import HU_MAX, HU_MIN, ScanError

# The padding that scanners write without saying so, and the least HU that it has as unsigned.
_COMMON_PADDING, _NO_CT_HU = -2000, 30_000

_INT16 = np.iinfo(np.int16)

Pixels = npt.NDArray[Any]


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
    for frame, plane in zip(frames, volume, strict=True):
        try:
            if image is None or frame.path != path:
                path, image = frame.path, _open_image(frame.path)
            stored, hu = _decode(image, frame)
        # Decoders raise whatever the libraries below them do.
        except Exception as error:
            raise ScanError(
                f"expected pixels that can be decoded, got {one_line(error)} in {frame.name}"
            ) from error
        padding = _clear_padding(stored, hu, frame, found)
        _check_stored(stored, padding, frame)
        plane[...] = np.clip(np.rint(hu, out=hu), _INT16.min, _INT16.max)
    return volume, tuple(f"{text} in {number} slices" for text, number in sorted(found.items()))


def _open_image(path: str) -> Image:
    """One file with its pixels in memory."""
    with open_regular(path) as file:
        image = Image.from_dataset(dcmread(file), copy=False)
    # highdicom decodes single frames as if all allocated bits were stored, which loses the sign
    # of compressed ones: once pydicom has decoded the file, it takes those.
    image.pixel_array  # noqa: B018
    return image


def _decode(image: Image, frame: Frame) -> tuple[Pixels, npt.NDArray[np.float32]]:
    """Stored values of a slice, and its HU by its own slope and intercept."""
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
    return stored, hu


def _clear_padding(
    stored: Pixels, hu: npt.NDArray[np.float32], frame: Frame, found: Counter[str]
) -> npt.NDArray[np.bool_]:
    """Makes padding HU_MIN and tells where it was; counts in `found` what was above that."""
    padding = np.zeros(stored.shape, dtype=np.bool_)
    declared = frame.pixels.padding
    if declared is not None:
        padding |= _clear(stored, hu, declared, "declared", found)
    for value in _undeclared(stored, hu, frame):
        padding |= _clear(stored, hu, (value, value), "undeclared", found)
    return padding


def _clear(
    stored: Pixels,
    hu: npt.NDArray[np.float32],
    ends: tuple[int, int],
    how: str,
    found: Counter[str],
) -> npt.NDArray[np.bool_]:
    """Makes a range of stored values HU_MIN and tells where they were."""
    low, high = ends
    part: npt.NDArray[np.bool_] = (stored >= low) & (stored <= high)
    highest = hu[part].max(initial=HU_MIN)
    if highest > HU_MIN:
        values = f"{low}" if low == high else f"{low} to {high}"
        found[f"{how} padding {values} ({highest:g} HU) taken for air"] += 1
    hu[part] = HU_MIN
    return part


def _undeclared(stored: Pixels, hu: npt.NDArray[np.float32], frame: Frame) -> list[int]:
    """Stored values that can be nothing but padding.

    In a corner of the picture there is air, bed or nothing: a value outside the range of HU there
    is padding, wherever it comes again.
    """
    ends = np.ix_((0, -1), (0, -1))
    values = set(stored[ends][(hu[ends] > HU_MAX) | (hu[ends] < HU_MIN)].tolist())
    pixels = frame.pixels
    common = _COMMON_PADDING % (1 << pixels.bits_allocated)
    if not pixels.signed and common * pixels.slope + pixels.intercept > _NO_CT_HU:
        values.add(common)
    return sorted(values)


def _check_stored(stored: Pixels, padding: npt.NDArray[np.bool_], frame: Frame) -> None:
    """Refuses values that don't fit the bits that hold them, such as overlays drawn into them."""
    pixels = frame.pixels
    high = 1 << (pixels.bits_stored - pixels.signed)
    low = -high if pixels.signed else 0
    image = stored[~padding]
    lowest, highest = int(image.min(initial=0)), int(image.max(initial=0))
    if lowest < low or highest >= high:
        raise ScanError(
            f"expected stored values of {low} to {high - 1} ({pixels.bits_stored} bits), got "
            f"{lowest} to {highest} in {frame.name}"
        )
