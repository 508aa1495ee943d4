"""Pictures of a slice while training: CT, truth and probability side by side."""

import numpy as np
import numpy.typing as npt

from models.monitor_slices import WholeSlice

Pixels = npt.NDArray[np.uint8]

_SIDE = 160  # pixels of each of the three at most
_WHITE = 255


def side_by_side(
    one: WholeSlice, logits: npt.NDArray[np.float32], window_hu: tuple[int, int]
) -> Pixels:
    """CT, truth and probability of the part of a slice around its nodules.

    Args:
        one: The slice.
        logits: What the network says, (rows, columns).
        window_hu: What is black and what is white.

    Returns:
        (H, 3 W), H and W at most 160: the slice or, where it is larger, the square around the
        middle of its true pixels.
    """
    low, high = window_hu
    ct = (np.float32(one.hu[len(one.hu) // 2]) - low) / (high - low)
    probability = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    part, shown = _around(one.truth), (ct, one.truth, probability)
    panels = np.concatenate([values[part] for values in map(np.asarray, shown)], axis=1)
    return np.asarray(np.rint(np.clip(panels, 0.0, 1.0) * _WHITE), np.uint8)


def _around(truth: npt.NDArray[np.bool_]) -> tuple[slice, ...]:
    """The part that is shown."""
    places = np.argwhere(truth)
    middle = places.mean(axis=0) if len(places) else np.array(truth.shape) / 2
    first = [
        int(np.clip(round(place) - _SIDE // 2, 0, max(0, size - _SIDE)))
        for place, size in zip(middle, truth.shape, strict=True)
    ]
    return tuple(slice(start, start + _SIDE) for start in first)
