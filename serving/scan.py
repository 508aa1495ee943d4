"""From a scan, as it lies on a disk or in a bucket, to its nodules on its own grid."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.inventory import FoundScan
from lungct.lung.airspace import Box, padded_box
from lungct.orientation import to_patient_axes
from lungct.processing import PreparedScan, process, to_working_volume
from lungct.record import ScanRecord
from lungct.region import Region
from lungct.resample import resample
from lungct.scan import ScanError
from lungct.slices import WorkingVolume
from lungct.truth.labels import Truth
from schema.thresholds import Thresholds
from serving.segmentation import (
    BoolArray,
    FoundNodule,
    Segmentation,
    measure_nodules,
    segment_volume,
)
from serving.served import Probability, ServedModel

Mask = npt.NDArray[np.uint8]

# Slices of the scan's own grid that are made at a time, so that no second volume is held.
_SLAB = 32


@dataclass(frozen=True)
class Done:
    """How a scan was segmented.

    Attributes:
        model: Folder or endpoint of the model.
        code_hash: Hash of the code that trained it.
        spacing_mm: Spacing (z, y, x) of the working grid that the model saw.
        threshold: Probability from which a voxel is predicted.
        nodule_threshold: Probability that the most probable voxel of a nodule has at least.
        region: Kind of region of interest.
        seconds: Time by step: `read` (files, checks, region), `resample` to the working grid,
            `segment` on it, `own_grid` for the way back.
    """

    model: str
    code_hash: str
    spacing_mm: tuple[float, float, float]
    threshold: float
    nodule_threshold: float
    region: str
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class ScanResult:
    """What a model finds in a scan.

    Attributes:
        record: What reading the scan said: repairs, warnings, shape, spacing; and all seconds.
        geometry: The scan's own grid, axes as they are stored.
        mask: (z, y, x) uint8 on that grid, 1 in the nodules.
        nodules: The connected parts of the mask, measured on it by falling probability. Their
            slices are counted along the patient's axis from the feet, however the scan is stored.
        done: How it was segmented.
        working_probability: (z, y, x) float32 on the working grid.
        working_geometry: That grid, around the region of interest.
    """

    record: ScanRecord
    geometry: Geometry
    mask: Mask
    nodules: tuple[FoundNodule, ...]
    done: Done
    working_probability: Probability
    working_geometry: Geometry

    def probability(self) -> Probability:
        """(z, y, x) float32 on the scan's own grid, made when it is asked for.

        It is 0 beyond the working grid, and holds also what was predicted outside of the region,
        which is not in the mask.
        """
        probability = np.empty(self.geometry.shape, dtype=np.float32)
        view, own = to_patient_axes(probability, self.geometry)
        _, y, x = own.whole
        for start in range(0, own.shape[0], _SLAB):
            slab = (slice(start, min(start + _SLAB, own.shape[0])), y, x)
            view[slab] = resample(self.working_probability, self.working_geometry, own.crop(slab))
        return probability


def segment_scan(
    found: FoundScan, model: ServedModel, thresholds: Thresholds | None = None
) -> ScanResult:
    """Segments one scan.

    It is read and taken to the model's spacing as ingest does it, but for its nodules, of which
    nothing is read. Which parts are nodules is decided on the working grid, where models are
    judged; their probabilities are then interpolated to the scan's own grid, where the mask is
    drawn and measured. A part so small that no voxel of the scan's own grid reaches the threshold
    is in neither mask nor list.

    Args:
        found: The scan, of any layout, on this machine or in a bucket.
        model: The model.
        thresholds: From where on voxels and nodules count; None for the model's own.

    Returns:
        The result. Scans that differ only by flipped or permuted axes have the same nodules.

    Raises:
        ScanError: The scan can't be used; one line that says why.
        ValueError: The model gives no probabilities of the volume's shape.
    """
    thresholds = thresholds or model.facts.thresholds
    seconds: dict[str, float] = {}
    record, geometry, volume = _read(found, model.facts.grid, seconds)
    start = time.perf_counter()
    region = _whole(volume.region, volume.geometry)
    working = volume.geometry
    segmentation = segment_volume(model, volume.hu, region, working, thresholds)
    del region, volume  # the way back needs the memory
    seconds["segment"] = time.perf_counter() - start
    start = time.perf_counter()
    mask, nodules = to_own_grid(segmentation, working, geometry, thresholds.voxel)
    seconds["own_grid"] = time.perf_counter() - start
    done = Done(
        model=model.place,
        code_hash=model.facts.code_hash,
        spacing_mm=model.facts.grid.spacing_mm,
        threshold=thresholds.voxel,
        nodule_threshold=thresholds.nodule,
        region=found.region,
        seconds={step: round(value, 3) for step, value in seconds.items()},
    )
    record = replace(record, seconds=round(sum(seconds.values()), 3))
    return ScanResult(record, geometry, mask, nodules, done, segmentation.probability, working)


def to_own_grid(
    segmentation: Segmentation, working: Geometry, stored: Geometry, threshold: float
) -> tuple[Mask, tuple[FoundNodule, ...]]:
    """Takes nodules to a scan's own grid.

    Args:
        segmentation: What was found on the working grid.
        working: The working grid.
        stored: The scan's own grid, axes as they are stored.
        threshold: Probability from which a voxel is predicted.

    Returns:
        (z, y, x) uint8 mask on the scan's own grid, and its connected parts, measured along the
        patient's axes. If there is no nodule, zeros and none.
    """
    mask = np.zeros(stored.shape, dtype=np.uint8)
    if not segmentation.nodules:
        return mask, ()
    view, own = to_patient_axes(mask, stored)
    box = _box_under(own, working, padded_box(segmentation.mask))
    part = own.crop(box)
    probability = resample(_kept(segmentation, threshold), working, part)
    view[box] = probability >= threshold
    everywhere = np.broadcast_to(np.True_, part.shape)
    nodules = measure_nodules(probability, everywhere, part, Thresholds(threshold))
    return mask, tuple(_moved_up(nodule, box[0].start) for nodule in nodules)


def _read(
    found: FoundScan, grid: Grid, seconds: dict[str, float]
) -> tuple[ScanRecord, Geometry, WorkingVolume]:
    """A scan's record, its own grid, and the part around its region on the working grid.

    The voxels of the scan itself are let go of: the model needs the memory.
    """
    made: list[tuple[Geometry, WorkingVolume]] = []

    def finish(prepared: PreparedScan) -> ScanRecord:
        """Takes the scan to the working grid."""
        start = time.perf_counter()
        made.append((prepared.stored.geometry, to_working_volume(prepared, grid)))
        seconds["resample"] = time.perf_counter() - start
        return prepared.record

    record = process(replace(found, truth=Truth()), finish)
    if not record.used:
        raise ScanError(record.reason)
    ((geometry, volume),) = made
    seconds["read"] = record.seconds - seconds["resample"]
    return record, geometry, volume


def _whole(region: Region, geometry: Geometry) -> BoolArray:
    """(z, y, x) bool, the region on all of its grid."""
    whole = np.zeros(geometry.shape, dtype=np.bool_)
    whole[region.box] = region.mask
    return whole


def _kept(segmentation: Segmentation, threshold: float) -> Probability:
    """Probabilities without the parts that are no nodules.

    No voxel of such a part lies beside one of a nodule, so that no nodule loses by it.
    """
    dropped = (segmentation.probability >= threshold) & (segmentation.labels == 0)
    if not dropped.any():
        return segmentation.probability
    return np.where(dropped, np.float32(0), segmentation.probability)


def _box_under(own: Geometry, working: Geometry, box: Box) -> Box:
    """Voxels of the scan's own grid that a box of the working grid reaches by interpolation."""
    # A voxel is interpolated to the centres of its neighbours, or into a block as large as a
    # voxel of a coarser grid: a voxel of both around the box holds all of that.
    wider = tuple(slice(axis.start - 1, axis.stop + 1) for axis in box)
    low, high = own.voxel_bounds(*working.world_box((wider[0], wider[1], wider[2])))
    first = np.clip(np.floor(low).astype(int) - 1, 0, own.shape)
    stop = np.clip(np.ceil(high).astype(int) + 2, 0, own.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return z, y, x


def _moved_up(nodule: FoundNodule, slices: int) -> FoundNodule:
    """A nodule of a box that begins at another slice than the first."""
    first, last = nodule.slices
    return replace(nodule, slices=(first + slices, last + slices))
