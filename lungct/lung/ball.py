"""Masks dilated, eroded and closed by a ball; the results are those of SimpleITK's filters.

Our own are kept while SimpleITK's would add more than a quarter to a scan's time from header to
slices in memory (`python -m benchmarks.ingest` measures that time): with the filters it is 1.31 as
long on a grid of 1.25 × 0.7 × 0.7 mm and 1.51 as long on 2.5 × 1.5 × 1.5 mm, and to disk 1.10 and
1.25 (`python -m benchmarks.kernels`, docs/measured.md).

A ball of radius r voxels along each axis holds the offsets whose length in units of r + 1/2 is at
most 1 (ITK's FlatStructuringElement::Ball). It is a stack of runs along x: the mask is spread along
x once for each length of run, and the spread masks are shifted along z and y as flat arrays.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Radius = tuple[int, int, int]


def dilate(mask: BoolArray, radius: Radius) -> BoolArray:
    """A mask and all voxels that a ball around one of its voxels reaches.

    Args:
        mask: (z, y, x) bool; nothing lies outside.
        radius: Voxels along (z, y, x).

    Returns:
        (z, y, x) bool; empty for an empty mask.
    """
    z, y, x = mask.shape
    # Empty margins, as wide as the largest shift, keep a shift from wrapping into the next row.
    padded = np.pad(mask, ((0, 0), (0, radius[1]), (0, radius[2])))
    _, rows, columns = padded.shape
    flat = padded.reshape(-1)
    spread = _spread(flat, radius[2])
    dilated = flat.copy()
    for dz, dy, reach in _runs(radius):
        _add_shifted(dilated, spread[reach], (dz * rows + dy) * columns)
    return dilated.reshape(padded.shape)[:, :y, :x]


def erode(mask: BoolArray, radius: Radius) -> BoolArray:
    """The voxels of a mask around which all of a ball lies in the mask or outside the array.

    Args:
        mask: (z, y, x) bool.
        radius: Voxels along (z, y, x).

    Returns:
        (z, y, x) bool.
    """
    return ~dilate(~mask, radius)


def close(mask: BoolArray, radius: Radius) -> BoolArray:
    """A mask without the gaps that a ball does not fit into.

    Args:
        mask: (z, y, x) bool; nothing lies outside.
        radius: Voxels along (z, y, x).

    Returns:
        (z, y, x) bool that holds all of the mask.
    """
    padded = np.pad(mask, [(reach, reach) for reach in radius])
    inner = tuple(
        slice(reach, reach + size) for reach, size in zip(radius, mask.shape, strict=True)
    )
    return erode(dilate(padded, radius), radius)[inner]


def _runs(radius: Radius) -> Iterator[tuple[int, int, int]]:
    """The runs of a ball: offsets along z and y, and how far each reaches along x."""
    z, y, x = ((np.arange(-r, r + 1) / (r + 0.5)) ** 2 for r in radius)
    lengths = (z[:, None, None] + y[:, None] + x <= 1).sum(axis=2)
    for dz, dy in np.argwhere(lengths):
        yield int(dz) - radius[0], int(dy) - radius[1], int(lengths[dz, dy]) // 2


def _spread(flat: BoolArray, most: int) -> list[BoolArray]:
    """Flat masks spread by 0, 1, ... most voxels in both directions."""
    spread = [flat]
    for reach in range(1, most + 1):
        wider = spread[-1].copy()
        _add_shifted(wider, flat, reach)
        _add_shifted(wider, flat, -reach)
        spread.append(wider)
    return spread


def _add_shifted(target: BoolArray, mask: BoolArray, offset: int) -> None:
    """Adds to a flat mask another one moved by an offset; what leaves the array is lost."""
    size = max(len(mask) - abs(offset), 0)
    start, origin = max(offset, 0), max(-offset, 0)
    target[start : start + size] |= mask[origin : origin + size]
