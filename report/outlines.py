"""Masks and images as parts of SVG: outlines along the edges of pixels, PNG and JPEG inline."""

import base64
import io
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from lungct.metrics import Mask

# Lung window.
WINDOW_HU: Final = (-1350, 150)
_JPEG_QUALITY: Final = 72

Grey = npt.NDArray[np.uint8]


def outline(mask: Mask) -> str:
    """The outline of a mask as the data of an SVG path, one unit a pixel.

    Args:
        mask: bool (rows, columns).

    Returns:
        Straight strokes between pixels of which one is true and the other not, with (0, 0) the
        outer corner of the first pixel. What reaches the border goes on beyond it: no stroke runs
        along the border. If the mask is empty or full, the result is empty.
    """
    rows = np.flatnonzero((mask[1:] != mask[:-1]).any(axis=1)) + 1
    columns = np.flatnonzero((mask[:, 1:] != mask[:, :-1]).any(axis=0)) + 1
    parts = [
        f"M{start} {row}h{stop - start}"
        for row in rows.tolist()
        for start, stop in _runs(mask[row] != mask[row - 1])
    ]
    parts += [
        f"M{column} {start}v{stop - start}"
        for column in columns.tolist()
        for start, stop in _runs(mask[:, column] != mask[:, column - 1])
    ]
    return "".join(parts)


def windowed(hu: npt.NDArray[np.int16]) -> Grey:
    """Hounsfield units as grey values in a lung window, uint8 of the same shape."""
    low, high = WINDOW_HU
    scaled = (hu.astype(np.float32) - low) * (255 / (high - low))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


def png(grey: Grey) -> str:
    """An image without loss as a data URI.

    Args:
        grey: uint8 (rows, columns).
    """
    return _data_uri(Image.fromarray(grey), "png", optimize=True)


def jpeg(grey: Grey, longest: int) -> str:
    """A small image as a data URI.

    Args:
        grey: uint8 (rows, columns).
        longest: Pixels that its longer side is brought down to, if it is longer.
    """
    image = Image.fromarray(grey)
    image.thumbnail((longest, longest))
    return _data_uri(image, "jpeg", quality=_JPEG_QUALITY)


def _runs(held: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and end of each run of true values."""
    padded = np.zeros(len(held) + 2, np.int8)
    padded[1:-1] = held
    (places,) = np.nonzero(np.diff(padded))
    return zip(places[::2].tolist(), places[1::2].tolist(), strict=True)


def _data_uri(image: Image.Image, kind: str, **how: int | bool) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **how)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
