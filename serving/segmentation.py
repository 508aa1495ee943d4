"""From probabilities to nodules: one way for whoever judges a model and whoever is served by it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.lung.airspace import Box, padded_box
from lungct.truth.spheres import equivalent_diameter_mm
from serving.model import Probability, ServedModel, Volume

BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FoundNodule:
    """One connected part of what a model predicts.

    Attributes:
        number: From 1 in the order of falling probability; its voxels have this label.
        centre_mm: World (x, y, z) in mm, the mean of the centres of its voxels.
        diameter_mm: Diameter of the sphere of the same volume.
        longest_axial_mm: Largest distance within one slice of two points of its outline; the
            outline goes through the middles of the pixels' outer edges, so that one pixel is as
            long as its longer edge.
        volume_mm3: Volume of its voxels.
        probability: The largest of its voxels.
        slices: First and last z, both of them cut.
        voxels: How many there are.
    """

    number: int
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    longest_axial_mm: float
    volume_mm3: float
    probability: float
    slices: tuple[int, int]
    voxels: int


@dataclass(frozen=True)
class Segmentation:
    """What a model says of one volume.

    Attributes:
        probability: (z, y, x) float32, everywhere.
        labels: (z, y, x) int32, the number of the nodule, 0 where there is none.
        nodules: In the order of their numbers.
    """

    probability: Probability
    labels: LabelArray
    nodules: tuple[FoundNodule, ...]

    @property
    def mask(self) -> BoolArray:
        """(z, y, x) bool, true in the nodules."""
        return np.asarray(self.labels > 0)


def segment_volume(
    model: ServedModel, hu: Volume, region_mask: BoolArray, geometry: Geometry, threshold: float
) -> Segmentation:
    """Segments a volume and finds its nodules.

    Args:
        model: The model.
        hu: (z, y, x) int16 Hounsfield units on the model's spacing.
        region_mask: (z, y, x) bool, the region of interest.
        geometry: Their grid.
        threshold: Probability from which a voxel is predicted.

    Returns:
        Probabilities everywhere, and the nodules as `find_nodules` finds them.

    Raises:
        ValueError: Volume, region, grid and the model's probabilities are not of one shape, or the
            threshold is none.
    """
    _expect_shape("Hounsfield units", hu.shape, geometry)
    _expect_shape("a region", region_mask.shape, geometry)
    probability = model.segment(hu)
    _expect_shape("probabilities", probability.shape, geometry)
    return Segmentation(probability, *find_nodules(probability, region_mask, geometry, threshold))


def find_nodules(
    probability: Probability, region_mask: BoolArray, geometry: Geometry, threshold: float
) -> tuple[LabelArray, tuple[FoundNodule, ...]]:
    """Finds the connected parts of what is predicted.

    Voxels that share a corner are connected. A part of which at least half of the voxels lie in
    the region is a nodule, whole; any other is none, since nothing outside of the region was to be
    found. A nodule is as probable as its most probable voxel: the highest threshold at which
    something of it is still found. So the ranking does not depend on the threshold, as that by a
    mean would, in which the pale rim of a nodule counts, and most in small ones.

    Args:
        probability: (z, y, x) float32.
        region_mask: (z, y, x) bool, the region of interest.
        geometry: Their grid, whose slices are axial.
        threshold: Probability from which a voxel is predicted, above 0, at most 1.

    Returns:
        (z, y, x) int32 numbers of the nodules, 0 for none, and the nodules by falling probability,
        those of equal probability in the order of their first voxels. If nothing is predicted,
        zeros and no nodule.

    Raises:
        ValueError: The arrays are not of the grid's shape, or the threshold is none.
    """
    _expect_shape("probabilities", probability.shape, geometry)
    _expect_shape("a region", region_mask.shape, geometry)
    if not 0 < threshold <= 1:
        raise ValueError(f"expected a threshold above 0 and at most 1, got {threshold}")
    labels = np.zeros(geometry.shape, dtype=np.int32)
    predicted = probability >= threshold
    if not predicted.any():
        return labels, ()
    box = padded_box(predicted)
    parts, boxes = _parts(predicted[box])
    scene = _Scene(probability[box], region_mask[box], parts, geometry.crop(box))
    found = [_measured(scene, part, place) for part, place in enumerate(boxes, start=1)]
    nodules = sorted((one for one in found if one is not None), key=_rank)
    numbers = np.zeros(len(boxes) + 1, dtype=np.int32)
    numbers[[nodule.number for nodule in nodules]] = np.arange(1, len(nodules) + 1)
    for plane, named in zip(parts, labels[box], strict=True):  # no second volume of them is made
        named[:] = numbers[plane]
    return labels, tuple(
        _renumbered(nodule, number, box[0].start) for number, nodule in enumerate(nodules, start=1)
    )


@dataclass(frozen=True)
class _Scene:
    """What the parts are measured in: everything cut to a box of the volume."""

    probability: Probability
    region: BoolArray
    parts: npt.NDArray[np.uint32]
    geometry: Geometry


def _parts(mask: BoolArray) -> tuple[npt.NDArray[np.uint32], list[Box]]:
    """The connected parts of a mask numbered from 1 by their first voxels, and their boxes."""
    image = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.view(np.uint8)), True)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(image)
    boxes = []
    for label in shapes.GetLabels():
        x, y, z, columns, rows, slices = shapes.GetBoundingBox(label)
        boxes.append((slice(z, z + slices), slice(y, y + rows), slice(x, x + columns)))
    return sitk.GetArrayFromImage(image), boxes


def _measured(scene: _Scene, part: int, box: Box) -> FoundNodule | None:
    """One part under its number among all parts; None where too little is in the region."""
    mask = scene.parts[box] == part
    voxels = int(np.count_nonzero(mask))
    if 2 * int(np.count_nonzero(scene.region[box] & mask)) < voxels:
        return None
    centre = scene.geometry.crop(box).voxel_to_world(np.argwhere(mask).mean(axis=0))
    x, y, z = (float(mm) for mm in centre)
    volume_mm3 = voxels * scene.geometry.voxel_volume_mm3
    return FoundNodule(
        number=part,
        centre_mm=(x, y, z),
        diameter_mm=equivalent_diameter_mm(volume_mm3),
        longest_axial_mm=longest_axial_mm(mask, scene.geometry.spacing_zyx_mm[1:]),
        volume_mm3=volume_mm3,
        probability=float(scene.probability[box][mask].max()),
        slices=(box[0].start, box[0].stop - 1),
        voxels=voxels,
    )


def _renumbered(nodule: FoundNodule, number: int, first_slice: int) -> FoundNodule:
    """A nodule of a box of the volume, as one of the whole volume."""
    first, last = nodule.slices
    return replace(nodule, number=number, slices=(first + first_slice, last + first_slice))


def longest_axial_mm(mask: BoolArray, spacing_yx_mm: Sequence[float]) -> float:
    """The longest axial diameter of a nodule.

    Args:
        mask: (z, y, x) bool.
        spacing_yx_mm: Spacing (y, x) of its pixels.

    Returns:
        Largest distance in mm within one slice of two middles of outer pixel edges, as
        scikit-image's `feret_diameter_max` has it. If the mask is empty, the result is 0.
    """
    outlines = [_outline_mm(plane, spacing_yx_mm) for plane in mask if plane.any()]
    # No distance is longer than the diagonal of all points: most slices need no closer look.
    bounded = sorted(((float(np.hypot(*np.ptp(one, axis=0))), one) for one in outlines), key=_bound)
    longest = 0.0
    for bound, outline in reversed(bounded):
        if bound <= longest:
            break
        apart = outline[:, None] - outline
        longest = max(longest, math.sqrt(float((apart**2).sum(axis=-1).max())))
    return longest


def _outline_mm(plane: BoolArray, spacing_yx_mm: Sequence[float]) -> FloatArray:
    """(points, 2) places (y, x) in mm of which two are as far apart as any of the outline."""
    points = []
    for axis, held in enumerate((plane.T, plane)):
        # The first and the last pixel of each line along the axis.
        lines = np.flatnonzero(held.any(axis=1))
        first = held[lines].argmax(axis=1) - 0.5
        last = held.shape[1] - 0.5 - held[lines][:, ::-1].argmax(axis=1)
        for ends in (first, last):
            points.append(np.stack((ends, lines) if axis == 0 else (lines, ends), axis=1))
    return np.asarray(np.concatenate(points) * np.asarray(spacing_yx_mm))


def _bound(bounded: tuple[float, FloatArray]) -> float:
    return bounded[0]


def _rank(nodule: FoundNodule) -> tuple[float, int]:
    """What nodules are ordered by; parts are numbered by their first voxels."""
    return -nodule.probability, nodule.number


def _expect_shape(what: str, shape: tuple[int, ...], geometry: Geometry) -> None:
    if shape != geometry.shape:
        raise ValueError(f"expected {what} of the grid's shape {geometry.shape}, got {shape}")
