"""Cutting training crops from the slices of one scan.

Places and sizes are (z, y, x). What lies beyond the slices is continued by their edge, as it is
where a scan is segmented, and nothing is learned there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.ignored import IGNORED
from schema.features import COVERAGE_THRESHOLD

Pixels = npt.NDArray[Any]
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Slab:
    """Neighbouring slices of one scan, each (rows, columns).

    Attributes:
        hu: int16, Hounsfield units.
        coverage: uint8, 255 = voxel wholly inside a nodule.
        region: uint8, not 0 in the region of interest.

    Of the masks few are looked at, so they may be unpacked when they are.
    """

    hu: Sequence[Pixels]
    coverage: Sequence[Pixels]
    region: Sequence[Pixels]


@dataclass(frozen=True)
class CropShape:
    """What is cut.

    Attributes:
        size: Side of the crop in pixels.
        context: Neighbouring slices on each side.
        jitter: How far the chosen pixel may be from the crop's centre, in crop sizes.
    """

    size: int
    context: int
    jitter: float

    @property
    def box(self) -> Place:
        """Slices, rows and columns of the image."""
        return 2 * self.context + 1, self.size, self.size


def places_in(slab: Slab, z: int, near_nodule: bool) -> Pixels:
    """The pixels of a slice that crops may be drawn around.

    Args:
        slab: Holds the slice.
        z: Place of the slice in the slab.
        near_nodule: Whether a nodule is preferred where the slice has one.

    Returns:
        Numbers of pixels in C order, int64 (N,): of nodules, else of the region of interest, else
        of the whole slice.
    """
    found = np.flatnonzero(slab.coverage[z] >= COVERAGE_THRESHOLD) if near_nodule else np.empty(0)
    if not len(found):
        found = np.flatnonzero(slab.region[z])
    return found if len(found) else np.arange(slab.hu[z].size)


def draw_crop(
    slab: Slab, z: int, places: Pixels, shape: CropShape, random: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """Cuts a square around one of the pixels of a slice.

    Args:
        slab: The slice and its neighbours.
        z: Place of the slice in the slab.
        places: What `places_in` gave for the slice.
        shape: What is cut.
        random: Chooses the pixel, and its place in the crop.

    Returns:
        HU, int16 (size, size, 2·context + 1), and coverage of the slice itself, int16
        (size, size), 0 to 255, or IGNORED beyond the slice. Where the slice is as large as the
        crop, the crop lies within it; a smaller one lies within the crop.
    """
    pixel = int(places[random.integers(len(places))])
    row, column = divmod(pixel, slab.hu[z].shape[1])
    corner = _corner((z, row, column), slab.hu[z].shape, shape, random)
    hu = cut_box(slab.hu, corner, shape.box)
    coverage = cut_coverage(slab.coverage[z], corner[1:], shape.size)
    return np.moveaxis(hu, 0, -1), coverage


def cut_box(volume: Sequence[Pixels], corner: Place, shape: Place) -> Pixels:
    """Cuts a box that may reach beyond the volume, which its edge continues.

    Args:
        volume: Slices, each (rows, columns).
        corner: First voxel of the box, (z, y, x).
        shape: Voxels of the box, (z, y, x).

    Returns:
        An array of this shape.
    """
    last = len(volume) - 1
    slices = [volume[min(max(z, 0), last)] for z in range(corner[0], corner[0] + shape[0])]
    part, lacking = _square(corner[1:], shape[1:], slices[0].shape)
    box: Pixels = np.stack([pixels[part] for pixels in slices])
    return box if box.shape == shape else np.pad(box, [(0, 0), *lacking], mode="edge")


def cut_coverage(coverage: Pixels, corner: tuple[int, int], size: int) -> npt.NDArray[np.int16]:
    """Cuts a square that may reach beyond the slice, where nothing is known of nodules.

    Args:
        coverage: uint8 (rows, columns).
        corner: First pixel of the square, (y, x).
        size: Its side.

    Returns:
        int16 (size, size), 0 to 255; IGNORED beyond the slice.
    """
    part, lacking = _square(corner, (size, size), coverage.shape)
    inside = coverage[part].astype(np.int16)
    if inside.shape == (size, size):
        return inside
    return np.pad(inside, lacking, constant_values=int(IGNORED))


def _square(
    corner: Sequence[int], shape: Sequence[int], sizes: Sequence[int]
) -> tuple[tuple[slice, ...], list[tuple[int, int]]]:
    """The part of a rectangle within a slice, and how many pixels lack on both sides of an axis."""
    axes = [_inside(*axis) for axis in zip(corner, shape, sizes, strict=True)]
    return tuple(part for part, _ in axes), [lacking for _, lacking in axes]


def _inside(first: int, count: int, size: int) -> tuple[slice, tuple[int, int]]:
    """Of `count` places from `first` on, those within an axis, and how many lack on each side."""
    part = slice(min(max(first, 0), size - 1), max(min(first + count, size), 1))
    lacking = count - (part.stop - part.start)
    before = min(max(-first, 0), lacking)
    return part, (before, lacking - before)


def _corner(
    centre: Place, sizes: tuple[int, ...], shape: CropShape, random: np.random.Generator
) -> Place:
    """First voxel of the image around a pixel that is moved by the jitter."""
    depth, *sides = shape.box
    offsets = np.rint(random.uniform(-shape.jitter, shape.jitter, 2) * shape.size).astype(int)
    corner = [
        int(np.clip(middle - side // 2 + offset, min(0, size - side), max(0, size - side)))
        for middle, side, size, offset in zip(centre[1:], sides, sizes, offsets, strict=True)
    ]
    return centre[0] - depth // 2, corner[0], corner[1]
