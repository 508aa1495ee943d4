"""From the header of a scan to its slices on the working grid, and what is to be known of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.grid import GridConfig, geometry_around
from lungct.lung.mask import find_region, resample_region
from lungct.orientation import to_patient_axes
from lungct.readers.metaimage import read_scan
from lungct.resample import resample
from lungct.scan import HU_MIN, Nodule, Scan, ScanError
from lungct.slices import Slices, WorkingVolume
from lungct.truth.labels import Labels, nodule_facts, read_labels
from lungct.truth.lidc.truth import OutlineTruth

ACCEPTED, REPAIRED, QUARANTINED = "accepted", "repaired", "quarantined"


@dataclass(frozen=True)
class ScanSummary:
    """What became of one scan; every field is ready for JSON.

    Attributes:
        series_uid: Series of the scan.
        patient_id: Patient, empty where it is not known here.
        outcome: ACCEPTED, REPAIRED or QUARANTINED.
        reason: What was repaired or why the scan can't be used; empty for an accepted scan.
        shape: Voxels (z, y, x) of the scan's own grid.
        spacing_mm: Its spacing (z, y, x).
        lung_volume_ml: Volume of the lung mask.
        hu_percentiles: Percentiles 1, 50 and 99 of the HU in the box around the lungs.
        nodules: For each id, centre_mm, diameter_mm, volume_mm3 on the working grid, bucket.
        slice_count: Slices on the working grid.
        seconds: Time from the header path to slices in memory.
        warnings: What else a reader should know, one line each.
    """

    series_uid: str
    patient_id: str
    outcome: str
    reason: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    lung_volume_ml: float = 0.0
    hu_percentiles: tuple[float, ...] = ()
    nodules: tuple[dict[str, Any], ...] = ()
    slice_count: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def process_scan(
    header_path: str,
    nodules: Sequence[Nodule],
    grid: GridConfig,
    patient_id: str = "",
    truth: OutlineTruth | None = None,
) -> tuple[ScanSummary, Slices]:
    """Reads one scan and cuts it into slices.

    Args:
        header_path: The scan's `.mhd`.
        nodules: Its annotated nodules.
        grid: The working grid.
        patient_id: Patient, for the summary only.
        truth: Reader outlines, which then take the place of the annotated nodules.

    Returns:
        What is to be known of the scan, and its slices, each made when it is asked for.

    Raises:
        ScanError: The scan can't be used; see `quarantined` for its summary.
    """
    started = time.perf_counter()
    scan = read_scan(header_path)
    try:
        summary, volume = _process(scan, read_labels(scan, nodules, truth), grid)
    except ScanError as error:
        raise ScanError(f"{error} in {header_path}") from error
    seconds = time.perf_counter() - started
    return replace(summary, patient_id=patient_id, seconds=seconds), Slices(volume)


def quarantined(header_path: str, error: ScanError, patient_id: str = "") -> ScanSummary:
    """Summary of a scan that can't be used.

    Args:
        header_path: The scan's `.mhd`.
        error: Why.
        patient_id: Patient, where it is known.

    Returns:
        A summary with the outcome QUARANTINED.
    """
    return ScanSummary(Path(header_path).stem, patient_id, QUARANTINED, str(error))


def _along_patient_axes(scan: Scan) -> Scan:
    """The same scan without flipped or permuted axes."""
    hu, geometry = to_patient_axes(scan.hu, scan.geometry)
    return replace(scan, hu=hu, geometry=geometry)


def _process(stored: Scan, labels: Labels, grid: GridConfig) -> tuple[ScanSummary, WorkingVolume]:
    """Summary without patient and time, and the scan on the working grid."""
    scan = _along_patient_axes(stored)
    lungs = find_region(scan.hu, scan.geometry)
    target = geometry_around(scan.geometry, lungs.box, grid, labels.extents)
    patches = labels.patches(target)
    summary = ScanSummary(
        series_uid=scan.series_uid,
        patient_id="",
        outcome=REPAIRED if scan.repairs else ACCEPTED,
        reason="; ".join(scan.repairs),
        shape=scan.geometry.shape,
        spacing_mm=scan.geometry.spacing_zyx_mm,
        lung_volume_ml=np.count_nonzero(lungs.mask) * scan.geometry.voxel_volume_mm3 / 1000,
        hu_percentiles=_hu_percentiles(scan.hu[lungs.box]),
        nodules=tuple(nodule_facts(patch, target) for patch in patches),
        slice_count=target.shape[0],
        warnings=labels.warnings,
    )
    lungs = resample_region(lungs, scan.geometry, target)
    # The HU come last, when nothing else of full resolution but the scan is held.
    hu = resample(scan.hu, scan.geometry, _with_context(target, grid.context), "linear", HU_MIN)
    return summary, WorkingVolume(hu, lungs, target, patches)


def _with_context(geometry: Geometry, context: int) -> Geometry:
    """The grid with some slices more at both ends."""
    z, y, x = geometry.whole
    return geometry.crop((slice(-context, z.stop + context), y, x))


def _hu_percentiles(hu: npt.NDArray[np.int16]) -> tuple[float, ...]:
    """Percentiles 1, 50 and 99 of every fourth voxel in plane."""
    return tuple(float(value) for value in np.percentile(hu[:, ::4, ::4], (1, 50, 99)))
