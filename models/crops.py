"""Cutting crops out of a run of slices, in numpy.

A crop is a box (z, y, x) around a voxel. For a network that sees neighbouring slices as channels it
is 2·context + 1 slices deep.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schema import features

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Neighbouring slices of one scan.

    Attributes:
        hu: (slices, rows, columns) int16 HU.
        coverage: (slices, rows, columns) uint8, 255 where the voxel lies wholly inside a nodule.
        region: (slices, rows, columns) uint8, 1 in the region of interest.
    """

    hu: npt.NDArray[np.int16]
    coverage: npt.NDArray[np.uint8]
    region: npt.NDArray[np.uint8]


def choose_pixel(
    run: Run, z: int, near_nodule: bool, random: np.random.Generator
) -> tuple[int, int]:
    """A random (row, column) of a slice, in a nodule or in the region of interest.

    Args:
        run: The slices.
        z: Position of the slice in the run.
        near_nodule: Whether it is to lie in a nodule, with at least half of the voxel.
        random: Source of chance.

    Returns:
        Row and column; anywhere where the slice holds none of what is wanted.
    """
    mask = run.coverage[z] >= features.COVERAGE_THRESHOLD if near_nodule else run.region[z] > 0
    found = np.flatnonzero(mask)
    pixel = int(found[random.integers(len(found))]) if len(found) else random.integers(mask.size)
    row, column = divmod(int(pixel), mask.shape[1])
    return row, column


def place_crop(
    pixel: tuple[int, int],
    shape: tuple[int, int],
    size: int,
    jitter: float,
    random: np.random.Generator,
) -> tuple[int, int]:
    """First row and column of a square crop near a pixel.

    Args:
        pixel: Row and column.
        shape: Rows and columns of the slice.
        size: Side of the crop.
        jitter: How far the pixel may be from the crop's centre, in crop sizes.
        random: Source of chance.

    Returns:
        A corner such that the crop lies in the slice; where the slice is smaller, its middle is
        the middle of the crop, and the corner may be negative.
    """
    offset = np.rint(random.uniform(-jitter, jitter, 2) * size).astype(int)
    corner = []
    for centre, shift, length in zip(pixel, offset, shape, strict=True):
        room = length - size
        start = centre - size // 2 + int(shift)
        corner.append(min(max(start, 0), room) if room >= 0 else room // 2)
    return corner[0], corner[1]


def cut(
    volume: npt.NDArray[np.generic], start: tuple[int, int, int], shape: tuple[int, int, int]
) -> npt.NDArray[np.generic]:
    """A box of a volume, which is continued by its outermost voxels where the box goes beyond.

    Args:
        volume: (z, y, x), none of its axes empty.
        start: First voxel of the box, also outside of the volume.
        shape: Voxels of the box.

    Returns:
        Array of the box's shape and the volume's type; a view where the box lies inside.
    """
    stops = [first + size for first, size in zip(start, shape, strict=True)]
    if min(start) >= 0 and all(s <= n for s, n in zip(stops, volume.shape, strict=True)):
        z, y, x = (slice(first, stop) for first, stop in zip(start, stops, strict=True))
        return volume[z, y, x]
    picked = volume
    for axis, (first, stop) in enumerate(zip(start, stops, strict=True)):
        places = np.clip(np.arange(first, stop), 0, volume.shape[axis] - 1)
        picked = picked.take(places, axis)
    return picked


def cut_with_context(
    run: Run, z: int, corner: tuple[int, int], size: int, context: int
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """A square crop of a slice with its neighbours as channels.

    Args:
        run: The slices; its ends are repeated where neighbours are missing.
        z: Position of the slice in the run.
        corner: First row and column.
        size: Side of the crop.
        context: Neighbours on each side.

    Returns:
        HU (size, size, 2·context + 1) int16, lower z first, and coverage (size, size) uint8.
    """
    hu = cut(run.hu, (z - context, *corner), (2 * context + 1, size, size))
    coverage = cut(run.coverage, (z, *corner), (1, size, size))
    return np.moveaxis(hu, 0, -1).astype(np.int16), coverage[0].astype(np.uint8)
