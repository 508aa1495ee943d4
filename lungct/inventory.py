"""The scans of data roots with all that lies beside them: one list for all who need it."""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from lungct.readers import LAYOUTS
from lungct.readers.checksum_lists import CHECKSUMS_NAME, listed_checksums
from lungct.readers.layout import Reader, ScanFiles
from lungct.readers.names import ANNOTATIONS_TABLE, PATIENTS_TABLE, PHANTOM_NOTE
from lungct.readers.root_tables import RootTables
from lungct.readers.tables import TableError
from lungct.roots import AUTO, LIDC, MASKS, REFUSE, SPHERES, DataRoot, sources_of
from lungct.scan import Nodule
from lungct.storage import Listing, list_files
from lungct.truth.labels import Truth
from lungct.truth.lidc.folders import by_series

PATIENT_TABLES: Final = (
    *(PATIENTS_TABLE, "LIDC-IDRI-mappingLUNA16.txt", "LIDC-IDRI-mappingLUNA16.csv"),
)


@dataclass(frozen=True)
class FoundScan:
    """One scan, before any of its voxels is read; small enough to travel to a worker.

    Attributes:
        files: Its files, on this machine or in a bucket.
        layout: How they are read.
        source: Name of its data root.
        region: Kind of region of interest.
        truth: What its nodules are made from.
        patient_id: The patient, or the series where nothing names one.
        phantom: Whether it is made by a computer.
        checksums: Listed SHA-256 by path of its files and those beside it that are of no scan.
    """

    files: ScanFiles
    layout: str
    source: str
    region: str
    truth: Truth
    patient_id: str
    phantom: bool = False
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def series_uid(self) -> str:
        """Name of the scan."""
        return self.files.series_uid


@dataclass(frozen=True)
class Inventory:
    """What data roots hold.

    Attributes:
        scans: All scans, ordered by series.
        warnings: What should be known of tables and folders, one line each.
    """

    scans: tuple[FoundScan, ...]
    warnings: tuple[str, ...]


@dataclass
class _Root:
    """One root while the inventory is taken."""

    root: DataRoot
    listing: Listing
    layout: str
    scans: tuple[ScanFiles, ...]
    truth: str
    phantom: bool
    outlines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def take_inventory(
    roots: Sequence[DataRoot],
    checksums: str = "",
    annotations: Sequence[str] | None = None,
    need_tables: bool = True,
) -> Inventory:
    """Lists the scans of all roots with their patients and what their nodules are made from.

    Args:
        roots: The data roots.
        checksums: A list of checksums besides those that are named CHECKSUMS_NAME.
        annotations: Tables of nodules in place of ROOT/annotations.csv.
        need_tables: Whether a root whose truth is spheres must have its table.

    Returns:
        The inventory.

    Raises:
        TableError: A table can't be trusted, a series lies in two places, or a root has no scan.
        StorageError: A folder can't be listed.
    """
    _check_apart(roots)
    warnings: list[str] = []
    opened = [_open(root, warnings) for root in roots]
    _check_unique(opened)
    for each in opened:
        _find_outlines(each, warnings)
    tables = _read_tables(opened, annotations, need_tables, warnings)
    listed, lines = listed_checksums(
        [p for each in opened for p in each.listing.files if _name(p) == CHECKSUMS_NAME],
        checksums,
        {each.listing.root: each.scans for each in opened},
    )
    sources = sources_of(roots)
    scans = [
        _found(each, sources[each.root], files, tables, listed)
        for each in opened
        for files in each.scans
    ]
    ordered = sorted(scans, key=lambda scan: scan.series_uid)
    return Inventory(tuple(ordered), (*warnings, *lines))


def reader_of(layout: str) -> Reader:
    """The reader of a layout."""
    reader: Reader = importlib.import_module(LAYOUTS[layout]).READER
    return reader


def _open(root: DataRoot, warnings: list[str]) -> _Root:
    """Lists a root, finds its layout and its scans."""
    listing, lines = list_files(root.path)
    warnings += lines
    layouts = [root.layout] if root.layout != AUTO else list(LAYOUTS)
    for layout in layouts:
        scans = reader_of(layout).find(listing)
        if scans:
            warnings += _overlooked(listing, scans, reader_of(layout))
            # What the root says, or else what its layout has.
            truth = root.truth or (MASKS if any(scan.label for scan in scans) else SPHERES)
            phantom = f"{listing.root}/{PHANTOM_NOTE}" in listing.files
            return _Root(root, listing, layout, scans, truth, phantom)
    expected = "; ".join(f"{reader_of(layout).expected} ({layout})" for layout in layouts)
    there = "no files"
    if listing.files:
        likely = [path for path in listing.files if path.lower().endswith(_suffixes())]
        there = f"{len(listing.files)} other files, such as {(likely or listing.files)[0]}"
    raise TableError(f"expected scans as {expected}, got none in {root.path}, which holds {there}")


def _overlooked(listing: Listing, scans: Sequence[ScanFiles], reader: Reader) -> list[str]:
    """Says which files look like scans, or parts of scans, that are none of those found."""
    known = {path for scan in scans for path in (*scan.files, scan.label)}
    others = [p for p in listing.files if p.lower().endswith(_suffixes()) and p not in known]
    if not others:
        return []
    return [
        f"{len(others)} files look like scans, but are no part of {reader.expected}, "
        f"such as {others[0]}"
    ]


@functools.cache
def _suffixes() -> tuple[str, ...]:
    """Endings of files that look like scans of any layout."""
    readers = [reader_of(layout) for layout in LAYOUTS]
    return tuple({end for each in readers for end in (*each.suffixes, *each.voxel_suffixes)})


def _check_apart(roots: Sequence[DataRoot]) -> None:
    """Refuses a root that is, or lies in, another one, whose scans would count twice."""
    paths = sorted(root.path.rstrip("/") for root in roots)
    for outer, inner in itertools.pairwise(paths):
        if f"{inner}/".startswith(f"{outer}/"):
            raise TableError(f"expected data roots apart from each other, got {inner} in {outer}")


def _check_unique(roots: Iterable[_Root]) -> None:
    """Refuses a series that lies in two places."""
    places: dict[str, str] = {}
    for scan in (scan for each in roots for scan in each.scans):
        if scan.series_uid in places:
            both = f"{places[scan.series_uid]}, {scan.path}"
            raise TableError(f"expected series {scan.series_uid} once, got {both}")
        places[scan.series_uid] = scan.path


def _find_outlines(each: _Root, warnings: list[str]) -> None:
    """Finds the XML files of a root whose truth is LIDC."""
    if each.truth != LIDC:
        return
    listings = [each.listing]
    for folder in each.root.outlines:
        listing, lines = list_files(folder, "LIDC XML files")
        warnings += lines
        listings.append(listing)
    places = [p for one in listings for p in (*one.files, *one.folders)]
    each.outlines = by_series([path for path in places if path.lower().endswith(".xml")])
    without = sorted({scan.series_uid for scan in each.scans} - set(each.outlines))
    if without:
        outcome = "are refused" if each.root.without_outlines == REFUSE else "take spheres"
        warnings.append(
            f"{len(without)} of {len(each.scans)} scans have no reader outlines and {outcome}, "
            f"such as {without[0]}"
        )


def _read_tables(
    roots: Sequence[_Root],
    annotations: Sequence[str] | None,
    need_tables: bool,
    warnings: list[str],
) -> RootTables:
    """Reads annotations and patients of all roots."""
    tables = RootTables()
    series = {scan.series_uid for each in roots for scan in each.scans}
    places = list(annotations or ())
    for each in roots:
        there = set(each.listing.files)
        table = f"{each.listing.root}/{ANNOTATIONS_TABLE}"
        if annotations is None and (table in there or (need_tables and _needs_spheres(each))):
            places.append(table)
        for name in PATIENT_TABLES:
            if f"{each.listing.root}/{name}" in there:
                tables.add_patients(f"{each.listing.root}/{name}")
    for place in places:
        warnings += tables.add_annotations(place, series)
    return tables


def _needs_spheres(each: _Root) -> bool:
    """Whether a scan of a root may need the table of annotated nodules."""
    if each.truth == LIDC:
        without = {scan.series_uid for scan in each.scans} - set(each.outlines)
        return bool(without) and each.root.without_outlines == SPHERES
    return each.truth == SPHERES


def _found(
    each: _Root,
    source: str,
    files: ScanFiles,
    tables: RootTables,
    listed: Mapping[str, Mapping[str, str]],
) -> FoundScan:
    """One scan with all that is known of it."""
    uid = files.series_uid
    return FoundScan(
        files=files,
        layout=each.layout,
        source=source,
        region=each.root.region,
        truth=_truth(each, files, tables.nodules.get(uid, ())),
        patient_id=tables.patients.get(uid) or files.patient_id or uid,
        phantom=each.phantom,
        checksums=listed.get(uid, {}),
    )


def _truth(each: _Root, files: ScanFiles, nodules: tuple[Nodule, ...]) -> Truth:
    """What the nodules of one scan are made from."""
    root, kind = each.root, each.truth
    outlines = each.outlines.get(files.series_uid, ())
    if kind == LIDC and not outlines and root.without_outlines == SPHERES:
        kind = SPHERES
    same_pixels = reader_of(each.layout).keeps_pixels
    return Truth(kind, nodules, outlines, root.min_readers, files.label, same_pixels)


def _name(path: str) -> str:
    return PurePosixPath(path).name
