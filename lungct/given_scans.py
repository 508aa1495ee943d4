"""Scans that are named one by one: files, folders of a series, data roots."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from lungct.inventory import FoundScan, Inventory, reader_of, take_inventory
from lungct.readers import LAYOUTS
from lungct.readers.checksum_lists import CHECKSUMS_NAME, listed_checksums
from lungct.readers.layout import ScanFiles
from lungct.readers.tables import TableError
from lungct.roots import AUTO, SPHERES, DataRoot
from lungct.storage import exists, is_folder
from lungct.truth.labels import Truth


def find_given(paths: Sequence[str], layout: str, region: str) -> Inventory:
    """Finds scans without anything that tells of their nodules.

    Args:
        paths: Files that are a scan each or its header, and folders of any number of scans. A file
            of voxels whose header is given too is passed over.
        layout: One of LAYOUTS, or AUTO.
        region: Kind of region of interest.

    Returns:
        All scans, ordered by series. Lists of checksums beside them are heeded; tables of nodules,
        outlines and label masks are not.

    Raises:
        TableError: There is no scan where one is named, voxels are named without their header, a
            list can't be trusted, or a series lies in two places.
        StorageError: A folder can't be listed.
    """
    files = [path for path in paths if exists(path) and not is_folder(path)]
    roots = [
        DataRoot(path=path, layout=layout, region=region, truth=SPHERES)
        for path in paths
        if path not in files
    ]
    inventory = take_inventory(roots, annotations=(), need_tables=False)
    headers = {path: _header_of(path, layout) for path in files}
    named = [path for path in files if not headers[path]]
    scans = [*inventory.scans, *(_found_file(path, layout, region) for path in named)]
    _check_headers(headers, scans)
    _check_unique(scans)
    return Inventory(tuple(sorted(scans, key=attrgetter("series_uid"))), inventory.warnings)


def _layouts(layout: str) -> tuple[str, ...]:
    """The layouts that a file may have."""
    return tuple(LAYOUTS) if layout == AUTO else (layout,)


def _header_of(path: str, layout: str) -> str:
    """The header that a file of voxels alone belongs to; empty for any other file."""
    for each in _layouts(layout):
        for suffix, header_suffix in reader_of(each).voxel_suffixes.items():
            if path.endswith(suffix):
                return path.removesuffix(suffix) + header_suffix
    return ""


def _check_headers(headers: Mapping[str, str], scans: Iterable[FoundScan]) -> None:
    """Refuses voxels that are given without their header.

    Args:
        headers: The header of each file of voxels; empty for other files.
        scans: What is given beside these files.
    """
    given = {os.path.normpath(scan.files.path) for scan in scans}
    for path, header in headers.items():
        if header and os.path.normpath(header) not in given:
            raise TableError(
                f"expected the header of a scan, got its voxels {path!r}: give {header}"
            )


def _found_file(path: str, layout: str, region: str) -> FoundScan:
    """The scan that a file is, or is the header of."""
    layouts = _layouts(layout)
    # Readers expect each path to have a folder.
    place = path if "/" in path else f"./{path}"
    for each in layouts:
        files = reader_of(each).of_file(place)
        if files is not None:
            patient_id = files.patient_id or files.series_uid
            source, truth = place.rpartition("/")[0], Truth()
            checksums = _checksums(files)
            return FoundScan(files, each, source, region, truth, patient_id, checksums=checksums)
    expected = ", ".join(suffix for each in layouts for suffix in reader_of(each).suffixes)
    raise TableError(f"expected a folder of scans or a file of one ({expected}), got {path!r}")


def _checksums(files: ScanFiles) -> Mapping[str, str]:
    """Listed checksums of a scan's files, where a list lies beside them."""
    folder = files.files[0].rpartition("/")[0]
    place = f"{folder}/{CHECKSUMS_NAME}"
    if not exists(place):
        return {}
    # What it says of other scans is no concern of this one.
    listed, _ = listed_checksums([place], "", {folder: [files]})
    return listed[files.series_uid]


def _check_unique(scans: Iterable[FoundScan]) -> None:
    """Refuses a series that lies in two places, whose results would have one name."""
    places: dict[str, str] = {}
    for scan in scans:
        uid, path = scan.series_uid, scan.files.path
        if uid in places:
            raise TableError(f"expected series {uid} once, got {places[uid]}, {path}")
        places[uid] = path
