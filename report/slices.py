"""Slices of one scan as the report needs them, read by way of the index."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lungct.geometry import Geometry
from lungct.metrics import Mask
from schema import features
from schema.masks import read_mask
from schema.slices import IndexRow, read_run, stack

ZYX = tuple[float, float, float]


@dataclass(frozen=True)
class ScanFiles:
    """Where the pixels of one scan are.

    Attributes:
        folder: Folder of its split, which holds its file of slices.
        rows: Its index, in the order of z; at least one.
        mask: File of what is predicted in it.
    """

    folder: str
    rows: tuple[IndexRow, ...]
    mask: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""
        return len(self.rows), self.rows[0].rows, self.rows[0].columns


@dataclass(frozen=True)
class Pixels:
    """Neighbouring slices of a scan.

    Attributes:
        first: Place of the first slice in the scan.
        hu: int16 (slices, rows, columns), Hounsfield units.
        truth: bool of the same shape, voxels of nodules.
        region: bool of the same shape, the region of interest.
    """

    first: int
    hu: npt.NDArray[np.int16]
    truth: Mask
    region: Mask


def geometry_of(scan: ScanFiles, spacing_mm: ZYX) -> Geometry:
    """The working grid of a scan, by the origin of its first slice.

    Args:
        scan: The scan.
        spacing_mm: Spacing (z, y, x).
    """
    (example,) = read_run(scan.folder, scan.rows[:1])
    x_mm, y_mm, z_mm = example.features.feature[features.SLICE_ORIGIN_MM].float_list.value
    return Geometry(scan.shape, (x_mm, y_mm, z_mm), spacing_mm[::-1])


def read_slices(scan: ScanFiles, wanted: Collection[int]) -> dict[int, Any]:
    """Reads some slices of a scan, neighbours in one piece.

    Args:
        scan: The scan.
        wanted: Places of the slices; those that the scan lacks are passed over.

    Returns:
        tf.train.Example by place.

    Raises:
        ValueError: The file does not hold them where the index says.
    """
    read: dict[int, Any] = {}
    for run in _runs(sorted(set(wanted) & set(range(len(scan.rows))))):
        examples = read_run(scan.folder, [scan.rows[place] for place in run])
        read |= zip(run, examples, strict=True)
    return read


def stacked(examples: Sequence[Any], first: int) -> Pixels:
    """The pixels of slices.

    Args:
        examples: Neighbours in the order of z, at least one.
        first: Place of the first.

    Raises:
        ValueError: Pixels don't fit their size.
    """
    return Pixels(
        first=first,
        hu=stack(examples, features.IMAGE_HU),
        truth=stack(examples, features.NODULE_COVERAGE) >= features.COVERAGE_THRESHOLD,
        region=stack(examples, features.REGION_MASK) > 0,
    )


def read_prediction(scan: ScanFiles) -> Mask:
    """What is predicted in a scan, bool (slices, rows, columns).

    Raises:
        ValueError: The mask is not of the scan's shape.
    """
    with tf.io.gfile.GFile(scan.mask, "rb") as file:
        mask = read_mask(file.read())
    if mask.shape != scan.shape:
        raise ValueError(f"expected a mask of shape {scan.shape}, got {mask.shape} in {scan.mask}")
    return mask


def _runs(places: Sequence[int]) -> Iterator[list[int]]:
    """The places in pieces that lie side by side in the file."""
    run: list[int] = []
    for place in places:
        if run and place != run[-1] + 1:
            yield run
            run = []
        run.append(place)
    if run:
        yield run
