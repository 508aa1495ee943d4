"""Outlines to masks: what the lines of one reader enclose, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.truth.lidc.reads import Finding, LidcError, Outline, Reads
from lungct.truth.spheres import Box
from lungct.truth.voxels import BoolArray, runs_along_world, tight

IntArray = npt.NDArray[np.int64]

# Voxels of the box around one nodule; 400 along each side is more than any lung holds.
MAX_BOX_VOXELS = 1 << 26


@dataclass(frozen=True)
class ImageStack:
    """The slices that outlines are drawn on.

    Attributes:
        slice_of: World z in mm to the slice that shows it, None where there is none.
        shape_yx: Rows and columns of a slice.
    """

    slice_of: Callable[[float], int | None]
    shape_yx: tuple[int, int]


@dataclass(frozen=True)
class FindingMask:
    """The voxels of one reader's nodule.

    Attributes:
        reader: Number of the reader within the series, from 0.
        finding: What was rendered.
        box: Slices (z, y, x) of the grid, the smallest that hold the mask.
        mask: (z, y, x) bool in that box, never empty.
    """

    reader: int
    finding: Finding
    box: Box
    mask: BoolArray


def enclosed(points: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], BoolArray]:
    """The pixels that a closed line encloses, those of the line itself left out.

    The line is closed from its last point to its first, and gaps are bridged by straight lines.
    Enclosed is what no path of face neighbours reaches from outside without crossing it.

    Args:
        points: Pixels (x, y) in the order of the line.

    Returns:
        The pixel (y, x) of the mask's corner and a (y, x) bool mask; all False for a line that
        encloses nothing, such as a single point.
    """
    line = np.asarray(list(points), dtype=np.int64)[:, ::-1]
    # A border of one pixel connects all that is outside.
    corner = line.min(axis=0) - 1
    drawn = np.zeros(tuple(line.max(axis=0) - corner + 2), dtype=np.uint8)
    drawn[tuple((_without_gaps(line) - corner).T)] = 1
    flooded = sitk.ConnectedThreshold(sitk.GetImageFromArray(drawn), [(0, 0)], 0, 0)
    inside = (drawn == 0) & (sitk.GetArrayViewFromImage(flooded) == 0)
    return (int(corner[0]), int(corner[1])), inside


def _without_gaps(line: IntArray) -> IntArray:
    """The pixels of a closed line, those between distant points added."""
    step = np.roll(line, -1, axis=0) - line
    count = np.maximum(np.abs(step).max(axis=1), 1)
    owner = np.repeat(np.arange(len(line)), count)
    part = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    moved = np.rint(step[owner] * (part / count[owner])[:, None])
    return np.asarray(line[owner] + moved.astype(np.int64))


def render_finding(
    reader: int, finding: Finding, stack: ImageStack
) -> tuple[FindingMask | None, tuple[str, ...]]:
    """Fills the outlines of one reader's nodule.

    In each slice the mask is what inclusions enclose without what exclusions enclose. The pixels
    of an exclusion's own line stay with the nodule, as those of an inclusion stay with its
    surroundings: the edge map always lists the first pixels outside of the region that was
    traced. (Of 926 exclusions of LUNA16's series 394 are four pixels around a single one.)

    Args:
        reader: Number of the reader.
        finding: The nodule.
        stack: Slices to draw on.

    Returns:
        The mask, None where nothing is enclosed, and what could not be rendered, a line each.

    Raises:
        LidcError: A line leaves the image, or lines lie too far apart to be of one nodule.
    """
    planes: dict[int, list[Outline]] = {}
    warnings = []
    for outline in finding.outlines:
        _check_inside(outline, finding, stack)
        z = stack.slice_of(outline.z_mm)
        if z is None:
            warnings.append(f"{_name(reader, finding)}: z of {outline.z_mm:g} mm is on no slice")
        else:
            planes.setdefault(z, []).append(outline)
    if not planes:
        return None, tuple(warnings)
    box = _bounds(planes)
    shape = tuple(axis.stop - axis.start for axis in box)
    if math.prod(shape) > MAX_BOX_VOXELS:
        raise LidcError(
            f"expected at most {MAX_BOX_VOXELS} voxels around a nodule, got {shape} for "
            f"{_name(reader, finding)}"
        )
    mask = np.zeros(shape, dtype=np.bool_)
    for z, outlines in planes.items():
        _fill(outlines, (box[1].start, box[2].start), mask[z - box[0].start])
    if not mask.any():
        return None, (*warnings, f"{_name(reader, finding)}: its outlines enclose no pixel")
    return FindingMask(reader, finding, *tight(box, mask)), tuple(warnings)


def _name(reader: int, finding: Finding) -> str:
    """A reader's nodule for a message."""
    return f"nodule {finding.finding_id!r} of reader {reader + 1}"


def _check_inside(outline: Outline, finding: Finding, stack: ImageStack) -> None:
    """Refuses a line that leaves the image, as one of another scan does."""
    x, y = np.max(outline.points, axis=0)
    rows, columns = stack.shape_yx
    if x >= columns or y >= rows:
        raise LidcError(
            f"expected outlines within {columns} columns and {rows} rows, got column {x} and "
            f"row {y} of nodule {finding.finding_id!r}"
        )


def _bounds(planes: dict[int, list[Outline]]) -> Box:
    """Box of all lines."""
    points = np.array([point for part in planes.values() for o in part for point in o.points])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return (
        slice(min(planes), max(planes) + 1),
        slice(int(top), int(bottom) + 1),
        slice(int(left), int(right) + 1),
    )


def _fill(outlines: list[Outline], start: tuple[int, int], target: BoolArray) -> None:
    """Draws what the outlines of one slice leave; `start` is the (y, x) of the target's corner."""
    excluded = np.zeros_like(target)
    for outline in outlines:
        (row, column), part = enclosed(outline.points)
        # The border of `part` is empty and may lie outside of the target.
        y, x = row + 1 - start[0], column + 1 - start[1]
        inner = part[1:-1, 1:-1]
        plane = target if outline.inclusion else excluded
        plane[y : y + inner.shape[0], x : x + inner.shape[1]] |= inner
    target &= ~excluded


def image_stack(geometry: Geometry) -> ImageStack:
    """The slices of a scan that keeps the DICOM image's order of columns and rows.

    Outlines name columns and rows of the DICOM image, which are the scan's own indices x and y in
    whatever direction these run: LUNA16 keeps the order of the pixels and says `-1 -1 1` where
    the patient lay the other way. Only z goes through the geometry.

    A grid that no axial DICOM image has shows that the order was not kept: permuted or oblique
    axes, and columns and rows of which one alone runs backwards, as converters write that turn
    images upside down. Which way they were turned the grid does not say, so they are refused. A
    turn by half a circle looks like a patient who lay the other way: see
    `OutlineTruth.same_pixels`.

    Args:
        geometry: Grid of the scan, axes as they are stored.

    Returns:
        Its slices, each found by a world z at most half a slice spacing away.

    Raises:
        LidcError: The grid is none of an axial DICOM image.
    """
    if not runs_along_world(geometry.direction):
        raise LidcError(
            "expected columns, rows and slices along x, y and z for reader outlines, got "
            f"direction {geometry.direction}"
        )
    x, y, z = (geometry.direction[place] for place in (0, 4, 8))
    if x * y < 0:
        raise LidcError(
            "expected columns and rows as in a DICOM image for reader outlines, got mirrored ones "
            f"of direction {geometry.direction}"
        )

    def slice_of(z_mm: float) -> int | None:
        """The slice nearest to a height, None beyond the ends."""
        place = (z_mm - geometry.origin_mm[2]) / (geometry.spacing_mm[2] * z)
        nearest = round(place)
        return nearest if 0 <= nearest < geometry.shape[0] else None

    return ImageStack(slice_of, geometry.shape[1:])


def check_heights(reads: Reads, stack: ImageStack) -> None:
    """Refuses outlines that are on no slice at all: those of another scan or of another origin.

    Args:
        reads: All reads of a series.
        stack: The slices of its scan.

    Raises:
        LidcError: There are outlines, and no slice shows any of them.
    """
    heights = [
        outline.z_mm
        for session in reads.sessions
        for finding in session.nodules
        for outline in finding.outlines
    ]
    if heights and all(stack.slice_of(z_mm) is None for z_mm in heights):
        raise LidcError(
            f"expected outlines on the scan's slices, got all {len(heights)} of z {min(heights):g} "
            f"to {max(heights):g} mm on none in {reads.files[0]}"
        )
