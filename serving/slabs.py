"""A volume cut into requests of a limited size to an endpoint, and the answers joined.

The messages are those of TF Serving and of Vertex AI: `{"instances": […]}`, then
`{"predictions": […]}`, bytes as `{"b64": …}`. The signature is `segment_slab`, which
`models/segmenter.py` describes.
"""

import base64
import binascii
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from schema import features
from serving.served import Probability, Volume

# https://cloud.google.com/vertex-ai/docs/predictions/choose-endpoint-type; 10 MB where an endpoint
# is a dedicated one.
MOST_BYTES: Final = 1_500_000

# Slices in the first request, before it is known how small they pack; then how full requests are.
_FIRST_SLICES = 16
_FULL = 0.95


@dataclass(frozen=True)
class Slab:
    """A request for some slices of a volume.

    Attributes:
        first: The first slice that is asked for.
        stop: Before which to stop.
        body: The request, JSON.
    """

    first: int
    stop: int
    body: bytes


def request_body(hu: Volume, first: int, stop: int) -> bytes:
    """A request, JSON.

    Args:
        hu: (slices, rows, columns) int16.
        first: The first of its slices that is asked for.
        stop: Before which to stop.
    """
    packed = zlib.compress(np.ascontiguousarray(hu, dtype="<i2").data)
    instance = {
        features.INPUT_HU_PACKED: {"b64": base64.b64encode(packed).decode()},
        features.INPUT_SHAPE: list(hu.shape),
        features.INPUT_KEPT: [first, stop],
    }
    return json.dumps({"instances": [instance]}).encode()


def slab(hu: Volume, first: int, stop: int, context: int) -> Slab:
    """The request for some slices of a volume, with as many more as they need as neighbours.

    Args:
        hu: (slices, rows, columns) int16, the whole volume.
        first: The first slice that is asked for.
        stop: Before which to stop.
        context: Neighbouring slices on each side that the model sees.
    """
    low, high = max(first - context, 0), min(stop + context, len(hu))
    return Slab(first, stop, request_body(hu[low:high], first - low, stop - low))


def cut(hu: Volume, context: int, most_bytes: int = MOST_BYTES) -> Iterator[Slab]:
    """Cuts a volume into requests.

    Args:
        hu: (slices, rows, columns) int16.
        context: Neighbouring slices on each side that the model sees.
        most_bytes: Each request is smaller.

    Yields:
        Requests that ask for each slice once, in order. None where the volume is empty.

    Raises:
        ValueError: One slice with its neighbours is too much for a request.
    """
    first, count = 0, _FIRST_SLICES
    while hu.size and first < len(hu):
        made = slab(hu, first, min(first + count, len(hu)), context)
        sent = made.stop - made.first + 2 * context
        fitting = int(sent * _FULL * most_bytes / len(made.body)) - 2 * context
        if len(made.body) < most_bytes:
            yield made
            first, count = made.stop, max(fitting, 1)
        elif made.stop - made.first == 1:
            raise ValueError(
                f"expected a slice of {hu.shape[1]} x {hu.shape[2]} pixels with {context} "
                f"neighbours on each side to fit in {most_bytes / 1e6:g} MB, got "
                f"{len(made.body) / 1e6:.2f} MB; a dedicated endpoint takes 10 MB"
            )
        else:
            count = min(max(fitting, 1), made.stop - made.first - 1)


def read_answer(body: bytes, shape: tuple[int, int, int]) -> Probability:
    """The probabilities in an answer.

    Args:
        body: The answer, JSON.
        shape: The slices that were asked for, rows, columns.

    Returns:
        float32 of this shape.

    Raises:
        ValueError: It is no answer of this signature, or one of another size.
    """
    try:
        (slices,) = json.loads(body)["predictions"]
        planes = [_plane(one) for one in slices]
    except (KeyError, TypeError, ValueError, OSError, binascii.Error) as error:
        raise ValueError(
            f"expected probabilities of the signature {features.SIGNATURE_SLAB}, got "
            f"{body[:80].decode(errors='replace')!r}"
        ) from error
    found = {(len(planes), *plane.shape) for plane in planes} or {(0,)}
    if found != {shape}:
        raise ValueError(f"expected probabilities of shape {shape}, got {sorted(found)}")
    return np.stack(planes)


def _plane(sent: Any) -> Probability:
    """Probabilities, float32 (rows, columns), of one slice."""
    with Image.open(io.BytesIO(base64.b64decode(sent["b64"], validate=True))) as picture:
        values = np.array(picture)
    if picture.mode != "RGBA":
        raise ValueError(f"expected a PNG of four channels, got {picture.mode}")
    return values.view("<f4")[..., 0]
