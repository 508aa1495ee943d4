"""The one path of a scan: read, checked and labelled, then cut into slices or measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.inventory import FoundScan, reader_of
from lungct.limits import LUNG, check_facts
from lungct.local_scan import LocalScan, on_this_machine
from lungct.lung.plausible import unusual_extents
from lungct.orientation import to_patient_axes
from lungct.readers.checksums import (
    ScanChecksums,
    annotation_checksum,
    files_checksum,
    scan_checksums,
    verify_checksums,
)
from lungct.record import ACCEPTED, QUARANTINED, REPAIRED, FindingRecord, ScanRecord
from lungct.region import Region, find_region, resample_region
from lungct.resample import resample
from lungct.scan import HU_MIN, Nodule, Scan, ScanError
from lungct.slices import Slices, WorkingVolume
from lungct.truth.labels import Labels, nodule_record, read_labels
from lungct.working_grid import geometry_around


@dataclass(frozen=True)
class PreparedScan:
    """A scan that can be used.

    Attributes:
        stored: The scan with its axes as they are stored.
        scan: The same along the patient's axes.
        region: The region of interest, on the grid of `scan`.
        labels: Its nodules.
        record: What is known so far; nodules and slices are not.
    """

    stored: Scan
    scan: Scan
    region: Region
    labels: Labels
    record: ScanRecord


def process(found: FoundScan, finish: Callable[[PreparedScan], ScanRecord]) -> ScanRecord:
    """Takes one scan along the path, and never lets a bad one stop the others.

    Args:
        found: The scan, on this machine or in a bucket.
        finish: Does what is to be done with it and completes its record; may raise ScanError.

    Returns:
        The record with checksums and time; that of a scan that can't be used says why.
    """
    started = time.perf_counter()
    try:
        with on_this_machine(found) as local:
            record = local.with_own_paths(_process_here(local, found, finish))
    except ScanError as error:
        record = _start(found, QUARANTINED, str(error))
    return replace(record, seconds=round(time.perf_counter() - started, 3))


def _process_here(
    local: LocalScan, found: FoundScan, finish: Callable[[PreparedScan], ScanRecord]
) -> ScanRecord:
    """The record without time of a scan of which all files are on this machine."""
    scan = local.scan
    checksums = scan_checksums(scan.files.path, reader_of(scan.layout).members(scan.files))
    try:
        _verify(local, found, checksums)
        record = finish(prepare(scan))
    except ScanError as error:
        record = _start(scan, QUARANTINED, _naming(error, scan.files.path))
    return replace(
        record,
        header_sha256=checksums.header,
        voxels_sha256=checksums.voxels,
        annotations_sha256=annotation_checksum(scan.truth.nodules),
        truth_sha256=files_checksum(scan.truth.files),
    )


def _verify(local: LocalScan, found: FoundScan, checksums: ScanChecksums) -> None:
    """Compares the files of a scan and of its truth with what lists have."""
    if not found.checksums:
        return
    here = {local.own_path(path): checksum for path, checksum in checksums.by_file.items()}
    for path in local.scan.truth.files:
        here[local.own_path(path)] = files_checksum([path])
    is_folder = found.files.path not in found.files.files
    verify_checksums(here, found.checksums, found.files.path, all_listed=is_folder)


def prepare(found: FoundScan) -> PreparedScan:
    """Reads, checks and labels one scan.

    Args:
        found: The scan, files on this machine.

    Returns:
        The scan, within the limits of `lungct.limits`.

    Raises:
        ScanError: The scan can't be used.
    """
    stored = reader_of(found.layout).read(found.files)
    labels = read_labels(stored, found.truth)
    hu, geometry = to_patient_axes(stored.hu, stored.geometry)
    region = find_region(found.region, hu, geometry)
    record = replace(
        _start(found, REPAIRED if stored.repairs else ACCEPTED, "; ".join(stored.repairs)),
        truth=found.truth.words,
        shape=geometry.shape,
        spacing_mm=geometry.spacing_zyx_mm,
        lung_volume_ml=_volume_ml(region, geometry) if found.region == LUNG else None,
        hu_percentiles=_hu_percentiles(hu[region.box]),
        warnings=(*labels.warnings, *_unusual(found.region, region, geometry)),
    )
    check_facts(record.facts(), found.region)
    return PreparedScan(stored, replace(stored, hu=hu, geometry=geometry), region, labels, record)


def to_working_volume(prepared: PreparedScan, grid: Grid) -> WorkingVolume:
    """Takes a scan to the working grid.

    Args:
        prepared: The scan.
        grid: The working grid.

    Returns:
        The part of it around the region of interest and the nodules, interpolated once.
    """
    scan, region = prepared.scan, prepared.region
    target = geometry_around(scan.geometry, region.box, grid, prepared.labels.extents)
    patches = prepared.labels.patches(target)
    region = resample_region(region, scan.geometry, target)
    # The HU come last, when nothing else of full resolution but the scan is held.
    hu = resample(scan.hu, scan.geometry, target, "linear", HU_MIN)
    return WorkingVolume(hu, region, target, patches)


def to_slices(prepared: PreparedScan, grid: Grid) -> tuple[ScanRecord, Slices]:
    """Cuts a scan into slices of the working grid.

    Args:
        prepared: The scan.
        grid: The working grid.

    Returns:
        The record with nodules as rendered on that grid, and the slices, each made when it is
        asked for.
    """
    volume = to_working_volume(prepared, grid)
    record = replace(
        prepared.record,
        nodules=tuple(nodule_record(patch, volume.geometry) for patch in volume.patches),
        slice_count=volume.geometry.shape[0],
    )
    return record, Slices(volume)


def _start(found: FoundScan, outcome: str, reason: str) -> ScanRecord:
    """What is known of any scan."""
    return ScanRecord(
        series_uid=found.series_uid,
        outcome=outcome,
        reason=reason,
        patient_id=found.patient_id,
        source=found.source,
        path=found.files.path,
        phantom=found.phantom,
        region=found.region,
        excluded=_each_once(found.excluded),
    )


def _each_once(findings: Sequence[Nodule]) -> tuple[FindingRecord, ...]:
    """Findings without those that repeat another, of which LUNA16's table has many."""
    records = (FindingRecord(one.centre_mm, one.diameter_mm) for one in findings)
    return tuple(dict.fromkeys(records))


def _naming(error: ScanError, path: str) -> str:
    """The reason, with the scan's place where it does not say it."""
    return str(error) if path in str(error) else f"{error} in {path}"


def _unusual(kind: str, region: Region, geometry: Geometry) -> tuple[str, ...]:
    """What is unusual about the lungs; nothing is of a crop."""
    return unusual_extents(region.box, geometry.spacing_zyx_mm) if kind == LUNG else ()


def _volume_ml(region: Region, geometry: Geometry) -> float:
    return float(np.count_nonzero(region.mask)) * geometry.voxel_volume_mm3 / 1000


def _hu_percentiles(hu: npt.NDArray[np.int16]) -> tuple[float, ...]:
    """Percentiles 1, 50 and 99 of every fourth voxel in plane."""
    return tuple(float(value) for value in np.percentile(hu[:, ::4, ::4], (1, 50, 99)))
