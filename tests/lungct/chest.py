"""A chest of ellipsoids, small and without noise, and the same scan along other axes."""

from pathlib import Path

import numpy as np

from lungct.geometry import Geometry
from lungct.readers.metaimage import write_scan
from lungct.scan import Nodule

SPACING_MM = (4.0, 4.0, 5.0)
SHAPE = (44, 60, 80)
ORIGIN_MM = (-158.0, -118.0, -500.0)
GEOMETRY = Geometry(SHAPE, ORIGIN_MM, SPACING_MM)

# Lung centres (x, y, z) in mm from the middle of the volume, and half axes.
RIGHT, LEFT = (-70.0, 0.0, 0.0), (70.0, 0.0, 0.0)
HALF_AXES = (45.0, 65.0, 80.0)
TRACHEA_RADIUS_MM = 9.0


def geometry_of(slices: int) -> Geometry:
    """The grid with another number of slices."""
    return Geometry((slices, *SHAPE[1:]), ORIGIN_MM, SPACING_MM)


def around_the_circle() -> np.ndarray:
    """(y, x) bool: the pixels of a slice outside the largest ellipse in it."""
    y, x = (np.linspace(-1, 1, size) for size in SHAPE[1:])
    return y[:, None] ** 2 + x**2 > 1


def _offsets(geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances x, y, z in mm from the middle of the volume."""
    index = np.indices(geometry.shape).transpose(1, 2, 3, 0)
    world = geometry.voxel_to_world(index) - geometry.voxel_to_world(
        (np.asarray(geometry.shape) - 1) / 2
    )
    return world[..., 0], world[..., 1], world[..., 2]


def _ellipsoid(geometry: Geometry, centre: tuple, half_axes: tuple) -> np.ndarray:
    parts = zip(_offsets(geometry), centre, half_axes, strict=True)
    return sum(((offset - c) / half) ** 2 for offset, c, half in parts) <= 1


def lungs(geometry: Geometry = GEOMETRY) -> np.ndarray:
    """The true lung mask."""
    return _ellipsoid(geometry, RIGHT, HALF_AXES) | _ellipsoid(geometry, LEFT, HALF_AXES)


def trachea(geometry: Geometry = GEOMETRY) -> np.ndarray:
    """The trachea, from the head end down to where the lungs are widest."""
    x, y, z = _offsets(geometry)
    return (x**2 + y**2 <= TRACHEA_RADIUS_MM**2) & (z > 0)


def hu(geometry: Geometry = GEOMETRY) -> np.ndarray:
    """(z, y, x) int16 HU: body 40, lungs -850, trachea and outside -1000.

    The body is wider towards the head, so that no slice below the middle is like one above.
    """
    x, y, z = _offsets(geometry)
    volume = np.full(geometry.shape, -1000, dtype=np.int16)
    volume[(x / (140 + 0.12 * z)) ** 2 + (y / (102 + 0.08 * z)) ** 2 <= 1] = 40
    volume[lungs(geometry)] = -850
    volume[trachea(geometry)] = -1000
    return volume


def write_good(header: Path) -> Path:
    """Writes the chest as a scan, in a new folder; gives its header."""
    header.parent.mkdir()
    write_scan(str(header), hu(), GEOMETRY)
    return header


def with_nodule(volume: np.ndarray, nodule: Nodule, geometry: Geometry = GEOMETRY) -> np.ndarray:
    """The volume with the voxels of a sphere at 40 HU."""
    world = geometry.voxel_to_world(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    inside = np.linalg.norm(world - nodule.centre_mm, axis=-1) <= nodule.diameter_mm / 2
    return np.where(inside, np.int16(40), volume)


def middle_mm(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> tuple[float, float, float]:
    """World point at an offset in mm from the middle of the volume."""
    middle = GEOMETRY.voxel_to_world((np.asarray(SHAPE) - 1) / 2) + (x, y, z)
    return float(middle[0]), float(middle[1]), float(middle[2])


def along_other_axes(
    volume: np.ndarray, geometry: Geometry, order: tuple[int, int, int], flips: tuple[int, ...]
) -> tuple[np.ndarray, Geometry]:
    """The same scan stored with its array axes in another order and some of them reversed."""
    moved = np.flip(np.transpose(volume, order), flips)
    first = np.zeros(3)
    for axis in flips:
        first[order[axis]] = volume.shape[order[axis]] - 1
    columns = np.asarray(geometry.direction).reshape(3, 3).T[::-1]  # z, y, x
    columns = [-columns[old] if new in flips else columns[old] for new, old in enumerate(order)]
    spacing = [geometry.spacing_mm[2 - old] for old in order]
    other = Geometry(
        shape=moved.shape,
        origin_mm=tuple(geometry.voxel_to_world(first)),
        spacing_mm=tuple(spacing[::-1]),
        direction=tuple(np.stack(columns[::-1], axis=1).ravel()),
    )
    return np.ascontiguousarray(moved), other
