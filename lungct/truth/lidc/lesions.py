"""Nodules of different readers matched into lesions, and how many readers saw each voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.truth.lidc.outlines import FindingMask, ImageStack, render_finding
from lungct.truth.lidc.reads import LidcError, Reads
from lungct.truth.spheres import Box

# Voxels of all nodules of all readers, which are held at the same time.
MAX_VOXELS = 1 << 28


@dataclass(frozen=True)
class Lesion:
    """One lesion as several readers outlined it.

    Attributes:
        lesion_id: "1", "2", ... in the order of z, y, x of the box.
        box: Slices (z, y, x) of the grid that hold every reader's mask.
        reader_count: (z, y, x) uint8, how many readers outlined each voxel of the box.
        readers: Numbers of the readers who outlined it, from 0, in order.
    """

    lesion_id: str
    box: Box
    reader_count: npt.NDArray[np.uint8]
    readers: tuple[int, ...]


def find_lesions(reads: Reads, stack: ImageStack) -> tuple[tuple[Lesion, ...], tuple[str, ...]]:
    """Renders every outlined nodule and matches those of different readers.

    Args:
        reads: All reads of a series.
        stack: The slices of its scan.

    Returns:
        The lesions, and what could not be rendered, one line each.

    Raises:
        LidcError: An outline leaves the image, or the nodules are too large to be any.
    """
    masks: list[FindingMask] = []
    warnings: list[str] = []
    voxels = 0
    for reader, session in enumerate(reads.sessions):
        for finding in session.nodules:
            mask, lines = render_finding(reader, finding, stack)
            warnings += lines
            if mask is not None:
                masks.append(mask)
                voxels += mask.mask.size
            if voxels > MAX_VOXELS:
                raise LidcError(
                    f"expected at most {MAX_VOXELS} voxels in all nodules, got {voxels} up to "
                    f"{finding.finding_id!r} of {reads.files[0]}"
                )
    groups = sorted(match(masks), key=lambda group: [axis.start for axis in _union(group)])
    lesions = tuple(_lesion(str(number), group) for number, group in enumerate(groups, start=1))
    return lesions, tuple(warnings)


def match(masks: Sequence[FindingMask]) -> list[list[FindingMask]]:
    """Nodules of different readers that are the same lesion.

    Two are the same when they share a pixel in one slice or in neighbouring ones, and what is the
    same as a third is the same. LIDC leaves the matching open: pylidc joins outlines not further
    apart than a slice is thick (https://pylidc.github.io/scan.html), LUNA16 nodules nearer than
    the sum of their radii (Setio et al. 2017, https://doi.org/10.1016/j.media.2017.06.015).
    Shared pixels need neither the scan's spacing nor a sphere for a shape, and do not join
    lesions side by side. Nodules of one reader are never joined by themselves, only through
    another reader who outlined both as one; that reader's masks then count once.

    Args:
        masks: Nodules of all readers on one grid.

    Returns:
        Groups in the order of their first masks.
    """
    group_of = list(range(len(masks)))
    for later, mask in enumerate(masks):
        for earlier in range(later):
            if group_of[earlier] != group_of[later] and same_lesion(masks[earlier], mask):
                old, new = group_of[later], group_of[earlier]
                group_of = [new if group == old else group for group in group_of]
    groups: dict[int, list[FindingMask]] = {}
    for mask, group in zip(masks, group_of, strict=True):
        groups.setdefault(group, []).append(mask)
    return list(groups.values())


def same_lesion(one: FindingMask, other: FindingMask) -> bool:
    """Whether nodules of two readers share a pixel in one slice or in neighbouring ones.

    Args:
        one: A reader's nodule.
        other: Another nodule on the same grid.

    Returns:
        False for two nodules of one reader.
    """
    if one.reader == other.reader:
        return False
    return any(_overlap(one, other, shift) for shift in (0, -1, 1))


def _overlap(one: FindingMask, other: FindingMask, shift: int) -> bool:
    """Whether masks share a voxel when the second one is moved along z."""
    moved = (slice(other.box[0].start + shift, other.box[0].stop + shift), *other.box[1:])
    common = [
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(one.box, moved, strict=True)
    ]
    if any(axis.start >= axis.stop for axis in common):
        return False
    return bool(np.any(one.mask[_within(one.box, common)] & other.mask[_within(moved, common)]))


def _within(outer: Sequence[slice], inner: Sequence[slice]) -> Box:
    """A box of a grid as a box of the part of it that another box holds."""
    z, y, x = (
        slice(axis.start - start.start, axis.stop - start.start)
        for axis, start in zip(inner, outer, strict=True)
    )
    return z, y, x


def _union(group: Sequence[FindingMask]) -> Box:
    """Box that holds all masks."""
    z, y, x = (
        slice(min(axis.start for axis in axes), max(axis.stop for axis in axes))
        for axes in zip(*(mask.box for mask in group), strict=True)
    )
    return z, y, x


def _lesion(lesion_id: str, group: Sequence[FindingMask]) -> Lesion:
    """Counts for each voxel the readers of a group."""
    box = _union(group)
    count = np.zeros(tuple(axis.stop - axis.start for axis in box), dtype=np.uint8)
    readers = tuple(sorted({mask.reader for mask in group}))
    for reader in readers:
        seen = np.zeros(count.shape, dtype=np.bool_)
        for mask in group:
            if mask.reader == reader:
                seen[_within(box, mask.box)] |= mask.mask
        count += seen
    return Lesion(lesion_id, box, count, readers)
