"""Label masks as truth: the lesions of a scan are the connected parts of its mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.limits import MAX_DIAMETER_MM
from lungct.readers import metaimage, metaimage_header, nifti, nifti_header
from lungct.scan import ScanError
from lungct.truth.spheres import Box
from lungct.truth.voxels import BoolArray, VoxelNodule, tight, voxel_nodule

# A mask of more parts is noise or shows something else.
MAX_PARTS = 1000

# How far the mask's voxels may be from the image's, in voxels along the shortest side.
_SAME_GRID = 0.1


def mask_nodules(
    label_path: str, geometry: Geometry, value: int | None = None
) -> tuple[VoxelNodule, ...]:
    """The lesions of a scan by its label mask.

    A lesion is a part of the mask that is connected by faces, edges or corners: outlines that were
    drawn slice by slice and then resampled fall into parts that touch at an edge only, whereas
    two nodules that touch at one corner only are rare. All parts are kept, single voxels too. In
    a crop around one nodule the largest part is the nodule, and others are what the crop shows of
    its neighbours. A NIfTI file of bytes whose slope is 1 / 255 says which share of each voxel
    lies inside: what is above 0 is connected, and the shares stay.

    Args:
        label_path: The mask, on the grid of the scan.
        geometry: That grid, axes as they are stored.
        value: The label that is nodule; None for every label above 0, of which touching ones are
            one lesion.

    Returns:
        The lesions, "1", "2", ... from the largest to the smallest, those of one size in the order
        of (z, y, x); none for an empty mask.

    Raises:
        ScanError: The mask can't be read, lies on another grid, holds neither whole numbers from 0
            nor shares, or what it shows can't be nodules.
    """
    labels, shares = _read_labels(label_path, geometry)
    if not shares:
        _check_labels(labels, label_path)
    mask = labels > 0 if value is None else labels == value
    nodules = _nodules(mask, labels if shares else None, geometry, label_path)
    for nodule in nodules[:1]:
        if nodule.nodule.diameter_mm > MAX_DIAMETER_MM:
            raise ScanError(
                f"expected lesions of at most {MAX_DIAMETER_MM:g} mm, got one of "
                f"{nodule.nodule.diameter_mm:.1f} mm in {label_path}"
            )
    return nodules


def nodules_of_mask(mask: BoolArray, geometry: Geometry, where: str) -> tuple[VoxelNodule, ...]:
    """The connected parts of a mask, as `mask_nodules` numbers them.

    Args:
        mask: (z, y, x) bool.
        geometry: Its grid, any direction cosines.
        where: What it is, for the message.

    Returns:
        "1", "2", ... from the largest to the smallest; none for an empty mask.

    Raises:
        ScanError: There are more parts than MAX_PARTS.
    """
    return _nodules(mask, None, geometry, where)


def _nodules(
    mask: BoolArray, shares: npt.NDArray[Any] | None, geometry: Geometry, where: str
) -> tuple[VoxelNodule, ...]:
    """The parts of a mask, each with its shares where it has any."""
    return tuple(
        voxel_nodule(str(number), box, part if shares is None else part * shares[box], geometry)
        for number, (box, part) in enumerate(_parts(mask, where), start=1)
    )


def _read_labels(path: str, geometry: Geometry) -> tuple[npt.NDArray[Any], bool]:
    """(z, y, x) values of a mask, and whether they are shares.

    Nothing is read where the header has another grid.
    """
    if path.lower().endswith((".nii", ".nii.gz")):
        header = nifti_header.read_header(path)
        _check_grid(header.geometry, geometry, path)
        return nifti.read_values(header), _are_shares(header)
    if path.lower().endswith((".mhd", ".mha")):
        meta = metaimage_header.read_header(path, metaimage_header.LABEL_TYPES)
        _check_grid(meta.geometry, geometry, path)
        return metaimage.read_voxels(meta), False
    raise ScanError(f"expected a label mask .nii, .nii.gz, .mhd or .mha, got {path!r}")


def _are_shares(header: nifti_header.NiftiHeader) -> bool:
    """Whether a file holds shares in 255ths: bytes with just this slope."""
    slope, intercept = header.scaling or (1.0, 0.0)
    return header.dtype == np.uint8 and math.isclose(slope, 1 / 255, rel_tol=1e-6) and not intercept


def _check_grid(grid: Geometry, geometry: Geometry, path: str) -> None:
    """Refuses a mask whose voxels are not those of the scan."""
    if grid.shape != geometry.shape:
        raise ScanError(f"expected the scan's shape {geometry.shape}, got {grid.shape} in {path}")
    apart_mm = grid.distance_mm(geometry)
    if apart_mm > _SAME_GRID * min(geometry.spacing_mm):
        raise ScanError(
            f"expected the scan's grid, {_placed(geometry)}, got {_placed(grid)}, "
            f"{apart_mm:.3g} mm from it, in {path}"
        )


def _placed(grid: Geometry) -> str:
    """Where a grid lies, for a message."""
    direction = tuple(round(cosine, 6) for cosine in grid.direction)
    return f"origin {grid.origin_mm} spacing {grid.spacing_mm} direction {direction}"


def _check_labels(labels: npt.NDArray[Any], path: str) -> None:
    """Refuses what is no label."""
    if labels.dtype.kind == "u":
        return
    for number, plane in enumerate(labels):
        # NaN compares false.
        good = (plane >= 0) & (plane == np.rint(plane)) & (plane < np.inf)
        if not good.all():
            got = plane[~good].flat[0]
            raise ScanError(
                f"expected labels of whole numbers from 0, got {got:g} in slice {number} of {path}"
            )


def _parts(mask: BoolArray, path: str) -> list[tuple[Box, BoolArray]]:
    """Connected parts of a mask, each in a box that holds it, the largest first."""
    if not mask.any():
        return []
    whole = tuple(slice(0, size) for size in mask.shape)
    outer, inner = tight((whole[0], whole[1], whole[2]), mask)
    connect = sitk.ConnectedComponentImageFilter()
    connect.FullyConnectedOn()
    image = connect.Execute(sitk.GetImageFromArray(inner.astype(np.uint8)))
    if connect.GetObjectCount() > MAX_PARTS:
        raise ScanError(
            f"expected at most {MAX_PARTS} lesions, got {connect.GetObjectCount()} in {path}"
        )
    # The filter numbers parts in the order of their first voxels, and sorting keeps it.
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(image)
    by_size = sorted(shapes.GetLabels(), key=lambda part: -shapes.GetNumberOfPixels(part))
    numbers = sitk.GetArrayViewFromImage(image)
    return [_part(numbers, part, shapes.GetBoundingBox(part), outer) for part in by_size]


def _part(
    numbers: npt.NDArray[Any], part: int, bounds: tuple[int, ...], outer: Box
) -> tuple[Box, BoolArray]:
    """One part of a numbered mask, its box moved to the whole grid."""
    x, y, z, width, height, depth = bounds
    starts, sizes = (z, y, x), (depth, height, width)
    box = tuple(slice(a, a + size) for a, size in zip(starts, sizes, strict=True))
    moved = [slice(o.start + b.start, o.start + b.stop) for o, b in zip(outer, box, strict=True)]
    return (moved[0], moved[1], moved[2]), numbers[box] == part
