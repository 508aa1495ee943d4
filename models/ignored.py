"""Voxels from which nothing is learned, such as those beyond the edge of a scan.

In training truth they are IGNORED; every other voxel holds the part of it that is covered by a
nodule, 0 to 1.
"""

from typing import Any, Final

from keras import ops

IGNORED: Final = -1.0


def covered_and_counted(truth: Any) -> tuple[Any, Any]:
    """Splits training truth.

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED; any shape.

    Returns:
        The covered part, 0 where a voxel is ignored, and 1 where a voxel counts, else 0; both
        float32 of the same shape.
    """
    truth = ops.cast(truth, "float32")
    counted = ops.cast(truth >= 0, "float32")
    return truth * counted, counted
