"""Scans as an inventory finds them, for tests of what comes after it."""

from pathlib import Path

from lungct.grid import Grid
from lungct.inventory import FoundScan, take_inventory
from lungct.limits import LUNG
from lungct.processing import process, to_slices
from lungct.readers import luna16
from lungct.record import ScanRecord
from lungct.roots import DataRoot
from lungct.scan import Nodule, ScanError
from lungct.slices import Slices
from lungct.storage import list_files
from lungct.truth.labels import Truth


def headers(*roots: str | Path) -> list[str]:
    """Headers of all scans of roots, sorted by series."""
    found = take_inventory([DataRoot(str(root)) for root in roots], annotations=())
    return [scan.files.path for scan in found.scans]


def found_scan(
    header: str | Path, nodules: tuple[Nodule, ...] = (), truth: Truth | None = None
) -> FoundScan:
    """One scan of LUNA16's layout."""
    scans = luna16.find(list_files(str(Path(header).parent))[0])
    (files,) = [files for files in scans if files.path == str(header)]
    return FoundScan(files, "luna16", "data", LUNG, truth or Truth(nodules=nodules), "P1")


def sliced(
    header: str | Path, nodules: list[Nodule], grid: Grid, truth: Truth | None = None
) -> tuple[ScanRecord, Slices]:
    """Record and slices of a good scan; raises ScanError with the reason of a bad one."""
    made: list[Slices] = []

    def finish(prepared):
        record, slices = to_slices(prepared, grid)
        made.append(slices)
        return record

    record = process(found_scan(header, tuple(nodules), truth), finish)
    if not record.used:
        raise ScanError(record.reason)
    return record, made[0]
