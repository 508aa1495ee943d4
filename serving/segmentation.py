"""From probabilities to nodules: one way for whoever judges a model and whoever is served by it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lungct.geometry import Geometry
from lungct.lung.airspace import Box, padded_box
from lungct.truth.spheres import equivalent_diameter_mm
from schema.thresholds import Thresholds
from serving.axial_diameter import longest_axial_mm
from serving.served import Probability, ServedModel, Volume

BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.int32]


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
    model: ServedModel,
    hu: Volume,
    region_mask: BoolArray,
    geometry: Geometry,
    thresholds: Thresholds,
) -> Segmentation:
    """Segments a volume and finds its nodules.

    Args:
        model: The model.
        hu: (z, y, x) int16 Hounsfield units on the model's spacing.
        region_mask: (z, y, x) bool, the region of interest.
        geometry: Their grid.
        thresholds: From where on voxels and nodules count.

    Returns:
        Probabilities everywhere, and the nodules as `find_nodules` finds them.

    Raises:
        ValueError: Volume, region, grid and the model's probabilities are not of one shape.
    """
    _expect_shape("Hounsfield units", hu.shape, geometry)
    _expect_shape("a region", region_mask.shape, geometry)
    probability = model.segment(hu)
    _expect_shape("probabilities", probability.shape, geometry)
    return Segmentation(probability, *find_nodules(probability, region_mask, geometry, thresholds))


def find_nodules(
    probability: Probability, region_mask: BoolArray, geometry: Geometry, thresholds: Thresholds
) -> tuple[LabelArray, tuple[FoundNodule, ...]]:
    """Finds the connected parts of what is predicted.

    Voxels that share a corner are connected. A part of which at least half of the voxels lie in
    the region is a nodule, whole, if it is probable enough; any other is none, since nothing
    outside of the region was to be found. A nodule is as probable as its most probable voxel: the
    highest threshold at which something of it is still found. So the ranking does not depend on
    the threshold, as that by a mean would, in which the pale rim of a nodule counts, and most in
    small ones.

    Args:
        probability: (z, y, x) float32.
        region_mask: (z, y, x) bool, the region of interest.
        geometry: Their grid, whose slices are axial.
        thresholds: From where on voxels and nodules count.

    Returns:
        (z, y, x) int32 numbers of the nodules, 0 for none, and the nodules by falling probability,
        those of equal probability in the order of their first voxels. If nothing is predicted,
        zeros and no nodule.

    Raises:
        ValueError: The arrays are not of the grid's shape.
    """
    scene = _scene(probability, region_mask, geometry, thresholds.voxel)
    labels = np.zeros(geometry.shape, dtype=np.int32)
    if scene is None:
        return labels, ()
    parts, nodules = _nodules(scene, thresholds.nodule)
    numbers = np.zeros(len(scene.boxes) + 1, dtype=np.int32)
    numbers[parts] = np.arange(1, len(parts) + 1)
    for plane, named in zip(scene.parts, labels[scene.box], strict=True):
        # Time and memory are taken only where there are nodules.
        rows, columns = np.nonzero(plane > 0)
        number = numbers[plane[rows, columns]]
        kept = number > 0
        named[rows[kept], columns[kept]] = number[kept]
    return labels, nodules


def measure_nodules(
    probability: Probability, region_mask: BoolArray, geometry: Geometry, thresholds: Thresholds
) -> tuple[FoundNodule, ...]:
    """The nodules that `find_nodules` finds, without a volume of their numbers.

    Args:
        probability: (z, y, x) float32.
        region_mask: (z, y, x) bool, the region of interest.
        geometry: Their grid, whose slices are axial.
        thresholds: From where on voxels and nodules count.

    Returns:
        The nodules by falling probability. If nothing is predicted, none.

    Raises:
        ValueError: The arrays are not of the grid's shape.
    """
    scene = _scene(probability, region_mask, geometry, thresholds.voxel)
    return () if scene is None else _nodules(scene, thresholds.nodule)[1]


@dataclass(frozen=True)
class _Scene:
    """The connected parts of what is predicted, in the box around all of them.

    Attributes:
        box: That box.
        probability: (z, y, x) float32 in the box.
        region: (z, y, x) bool in the box.
        geometry: Its grid.
        image: Numbers of the parts from 1, in the order of their first voxels.
        boxes: Boxes of the parts within the box, in the order of their numbers.
    """

    box: Box
    probability: Probability
    region: BoolArray
    geometry: Geometry
    image: Any
    boxes: Sequence[Box]

    @cached_property
    def parts(self) -> npt.NDArray[np.uint32]:
        """(z, y, x) the image as an array, which lives no longer than this."""
        return np.asarray(sitk.GetArrayViewFromImage(self.image))


def _scene(
    probability: Probability, region_mask: BoolArray, geometry: Geometry, threshold: float
) -> _Scene | None:
    """The parts of what is predicted; None where nothing is."""
    _expect_shape("probabilities", probability.shape, geometry)
    _expect_shape("a region", region_mask.shape, geometry)
    predicted = probability >= threshold
    if not predicted.any():
        return None
    box = padded_box(predicted)
    mask = sitk.GetImageFromArray(predicted[box].view(np.uint8))
    del predicted  # numbers take four times the memory
    image = sitk.ConnectedComponent(mask, True)
    grid = geometry.crop(box)
    return _Scene(box, probability[box], region_mask[box], grid, image, _boxes(image))


def _boxes(image: Any) -> list[Box]:
    """Slices (z, y, x) of the smallest box around each label of an image, from 1 on."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(image)
    boxes = []
    for label in shapes.GetLabels():
        x, y, z, columns, rows, slices = shapes.GetBoundingBox(label)
        boxes.append((slice(z, z + slices), slice(y, y + rows), slice(x, x + columns)))
    return boxes


def _nodules(scene: _Scene, at_least: float) -> tuple[list[int], tuple[FoundNodule, ...]]:
    """Numbers of the parts that are nodules, and the nodules, both in the order of nodules."""
    inside = _parts_in_region(scene)
    all_measured = (_measured(scene, part, scene.boxes[part - 1]) for part in inside)
    least = float(np.float32(at_least))  # as voxels are compared
    measured = [nodule for nodule in all_measured if nodule.probability >= least]
    # Sorting keeps the order of those of equal probability, that of their first voxels.
    nodules = sorted(measured, key=_falling_probability)
    numbered = (replace(one, number=number) for number, one in enumerate(nodules, start=1))
    return [nodule.number for nodule in nodules], tuple(numbered)


def _parts_in_region(scene: _Scene) -> list[int]:
    """Numbers of the parts of which at least half of the voxels lie in the region."""
    voxels = np.zeros(len(scene.boxes) + 1, dtype=np.int64)
    inside = np.zeros_like(voxels)
    for plane, region in zip(scene.parts, scene.region, strict=True):
        held = plane > 0
        voxels += np.bincount(plane[held], minlength=len(voxels))
        inside += np.bincount(plane[held & region], minlength=len(voxels))
    return [int(part) for part in np.flatnonzero(2 * inside[1:] >= voxels[1:]) + 1]


def _measured(scene: _Scene, part: int, box: Box) -> FoundNodule:
    """One part under its number among all parts."""
    mask = scene.parts[box] == part
    voxels = int(np.count_nonzero(mask))
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
        slices=(scene.box[0].start + box[0].start, scene.box[0].start + box[0].stop - 1),
        voxels=voxels,
    )


def _falling_probability(nodule: FoundNodule) -> float:
    return -nodule.probability


def _expect_shape(what: str, shape: tuple[int, ...], geometry: Geometry) -> None:
    if shape != geometry.shape:
        raise ValueError(f"expected {what} of the grid's shape {geometry.shape}, got {shape}")
