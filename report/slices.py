"""Slices of one scan as the report needs them, read by way of the index."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.metrics import Mask
from schema import features
from schema.slices import IndexRow, read_run, unpack_pixels


@dataclass(frozen=True)
class SlicePixels:
    """The pixels of a slice, all (rows, columns): int16 HU, truth and region as bool."""

    hu: npt.NDArray[np.int16]
    truth: Mask
    region: Mask


def read_slices(folder: str, rows: Sequence[IndexRow], wanted: Collection[int]) -> dict[int, Any]:
    """Reads some slices of a scan, neighbours in one piece.

    Args:
        folder: Folder of the split.
        rows: The slices of the scan in the order of z.
        wanted: z of the slices to read; those that the scan lacks are passed over.

    Returns:
        tf.train.Example by z.

    Raises:
        ValueError: The file does not hold them where the index says.
    """
    read: dict[int, Any] = {}
    for run in _runs(rows, wanted):
        read |= zip((row.index for row in run), read_run(folder, run), strict=True)
    return read


def decode(example: Any) -> SlicePixels:
    """The pixels of one slice; raises ValueError where they don't fit its size."""
    return SlicePixels(
        hu=unpack_pixels(example, features.IMAGE_HU),
        truth=truth_of(example),
        region=unpack_pixels(example, features.REGION_MASK) > 0,
    )


def truth_of(example: Any) -> Mask:
    """Voxels (rows, columns) of one slice that belong to a nodule."""
    covered: Mask = unpack_pixels(example, features.NODULE_COVERAGE) >= features.COVERAGE_THRESHOLD
    return covered


def origin_of(example: Any) -> tuple[float, float, float]:
    """World (x, y, z) in mm of pixel (0, 0) of one slice."""
    x, y, z = example.features.feature[features.SLICE_ORIGIN_MM].float_list.value
    return x, y, z


def _runs(rows: Sequence[IndexRow], wanted: Collection[int]) -> Iterator[list[IndexRow]]:
    """The wanted rows in pieces that lie side by side in the file."""
    run: list[IndexRow] = []
    for row in rows:
        if row.index in wanted:
            run.append(row)
        elif run:
            yield run
            run = []
    if run:
        yield run
