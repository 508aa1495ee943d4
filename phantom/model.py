"""One phantom scan with its exact truth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.scan import Nodule
from lungct.truth.spheres import equivalent_diameter_mm
from phantom.anatomy import Patient, draw_patient, organ_fields
from phantom.fields import Array, Lattice, SliceSampler, lattice_over
from phantom.lungtrees import LungTrees, grow_trees, with_wall
from phantom.nodules import (
    PhantomNodule,
    Site,
    place_nodules,
    spicule_tree,
)
from phantom.painter import Painter
from phantom.patches import LungField, Patch, render_patch
from phantom.scanner import Detector, Scanner, draw_scanner
from phantom.vessels import SliceSplatter, Tree, fill

LATTICE_MM = 4.0
# Every eighth scan has no nodules; the last of eight is a second scan of the patient before it.
CYCLE, EMPTY, REPEATED = 8, 3, 7


@dataclass(frozen=True)
class PhantomScan:
    """A phantom scan and its exact truth.

    Attributes:
        series_uid: Name of the series, under the root 2.25, whose UIDs need no registration.
        patient_id: Name of the patient.
        hu: (z, y, x) int16 Hounsfield units, with padding where the scanner pads.
        geometry: Its grid in the world.
        nodules: Spheres of the volume and with the middle of each nodule, as they are annotated.
        looks: How each nodule was drawn, in the anatomy frame, in the order of `nodules`.
        coverage: (z, y, x) uint8 share of each voxel that lies inside a nodule, in 255ths.
        lung_mask: (z, y, x) bool, both lungs with all that lies in them, nodules at the pleura
            included, without windpipe and main bronchi.
    """

    series_uid: str
    patient_id: str
    hu: npt.NDArray[np.int16]
    geometry: Geometry
    nodules: tuple[Nodule, ...]
    looks: tuple[PhantomNodule, ...]
    coverage: npt.NDArray[np.uint8]
    lung_mask: npt.NDArray[np.bool_]


def series_uid(seed: int, index: int) -> str:
    """UID of a phantom scan; the digits say which."""
    return f"2.25.7740{seed:010d}{index:06d}"


def patient_of(seed: int, index: int) -> str:
    """Patient of a phantom scan; a few have two scans."""
    return f"PHANTOM-{seed}-{_first_scan(index):04d}"


def _first_scan(index: int) -> int:
    """The first scan of the same patient."""
    return index - 1 if index % CYCLE == REPEATED else index


def scanner_of(seed: int, index: int, shape: tuple[int, int, int]) -> Scanner:
    """Grid and settings of a phantom scan's scanner, without the rest of its plan."""
    patient = draw_patient(np.random.default_rng([seed, _first_scan(index), 1]))
    return draw_scanner(np.random.default_rng([seed, index, 5]), patient, shape)


@dataclass(frozen=True)
class Plan:
    """All of a phantom scan but its voxels."""

    seed: int
    index: int
    patient: Patient
    scanner: Scanner
    lattice: Lattice
    fields: dict[str, Array]
    trees: LungTrees
    looks: tuple[PhantomNodule, ...]


def plan_scan(
    seed: int, index: int, shape: tuple[int, int, int], nodules: int | None = None
) -> Plan:
    """Draws patient, scanner, vessels and nodules of a scan, without its voxels."""
    body = np.random.default_rng([seed, _first_scan(index), 1])
    chance = np.random.default_rng([seed, index, 2])
    patient = draw_patient(body)
    scanner = scanner_of(seed, index, shape)
    lattice = lattice_over(scanner.axes_mm, LATTICE_MM)
    fields = organ_fields(patient, body, lattice)
    trees = grow_trees(body, patient, lattice, fields)
    site = Site(lattice, fields["lung"], trees.vessels, _bounds(scanner))
    looks = () if index % CYCLE == EMPTY else tuple(place_nodules(chance, site, nodules))
    return Plan(seed, index, patient, scanner, lattice, fields, trees, looks)


def make_scan(
    seed: int, index: int, shape: tuple[int, int, int], nodules: int | None = None
) -> PhantomScan:
    """Makes one phantom scan; the same arguments give the same bytes.

    Args:
        seed: Of the whole data set, not negative.
        index: Of the scan, not negative.
        shape: Voxels (z, y, x).
        nodules: How many nodules there are where there are any and they fit; a few when None.

    Returns:
        The scan with its truth.
    """
    plan = plan_scan(seed, index, shape, nodules)
    axes = plan.scanner.axes_mm
    under = LungField(plan.lattice, plan.fields["lung"])
    rendered = [(n, p) for n in plan.looks if (p := render_patch(n, axes, under)) is not None]
    sampler = SliceSampler(plan.lattice, axes, plan.fields)
    painter = Painter(plan.patient, axes, sampler, _splatters(plan), rendered)
    hu, lung = _render(painter, Detector(plan.scanner, [seed, index, 3]), shape)
    coverage = np.zeros(shape, np.uint8)
    for _, patch in rendered:
        lung[patch.box] |= patch.coverage >= 0.5
        share = np.rint(255 * patch.coverage).astype(np.uint8)
        np.maximum(coverage[patch.box], share, out=coverage[patch.box])
    return PhantomScan(
        series_uid=series_uid(seed, index),
        patient_id=patient_of(seed, index),
        hu=hu,
        geometry=plan.scanner.geometry,
        nodules=tuple(
            _annotation(i, patch, plan.scanner.geometry) for i, (_, patch) in enumerate(rendered)
        ),
        looks=tuple(look for look, _ in rendered),
        coverage=coverage,
        lung_mask=lung,
    )


def _bounds(scanner: Scanner) -> tuple[tuple[float, float], ...]:
    """Lowest and highest coordinate of the voxels' middles, (z, y, x)."""
    return tuple((float(axis.min()), float(axis.max())) for axis in scanner.axes_mm)


def _annotation(index: int, patch: Patch, geometry: Geometry) -> Nodule:
    """The sphere of a nodule's volume around its middle, in world coordinates."""
    share = patch.coverage.astype(np.float64)
    total = float(share.sum())
    middle = [
        float(share.sum(axis=tuple(other for other in range(3) if other != axis)) @ np.arange(n))
        / total
        + patch.box[axis].start
        for axis, n in enumerate(share.shape)
    ]
    x, y, z = (round(float(mm), 6) for mm in geometry.voxel_to_world(middle))
    diameter_mm = equivalent_diameter_mm(total * geometry.voxel_volume_mm3)
    return Nodule(str(index), (x, y, z), round(diameter_mm, 3))


def _tubes(plan: Plan) -> dict[str, Tree | None]:
    """Vessels, airways, scars and spicules by the names of TUBES_HU."""
    trees, looks = plan.trees, plan.looks
    return {
        "vessels": trees.vessels,
        "scars": trees.scars,
        "bronchus walls": with_wall(trees.bronchi),
        "bronchi": trees.bronchi,
        "windpipe wall": with_wall(trees.windpipe),
        "windpipe": trees.windpipe,
        "spicules": spicule_tree(list(looks)),
    }


def _splatters(plan: Plan) -> dict[str, SliceSplatter]:
    """The tubes, ready to be spread over the voxels."""
    rng = np.random.default_rng([plan.seed, plan.index, 4])
    scanner = plan.scanner
    steps = [abs(float(axis[1] - axis[0])) for axis in scanner.axes_mm]
    cell = 0.55 * min(steps)
    return {
        name: SliceSplatter(fill(rng, tree, cell), scanner.axes_mm)
        for name, tree in _tubes(plan).items()
        if tree is not None
    }


def _render(
    painter: Painter, detector: Detector, shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """All slices as the scanner writes them, and the lungs' exact mask."""
    hu = np.empty(shape, np.int16)
    lung = np.empty(shape, np.bool_)
    painted: dict[int, Array] = {}
    for index in range(shape[0]):
        near = [int(np.clip(index + d, 0, shape[0] - 1)) for d in (-1, 0, 1)]
        for i in near:
            if i not in painted:
                painted[i], distance = painter.paint(i)
                lung[i] = distance < 0
        below, here, above = (painted[i] for i in near)
        load = 1.0 + 0.6 * float(np.mean(here > -300))
        hu[index] = detector(index, below, here, above, load)
        painted.pop(index - 1, None)
    return hu, lung
