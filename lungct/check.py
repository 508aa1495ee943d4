"""`python -m lungct.check DIR`: which of these scans would be data, and why the others not?

One line, or one JSON object, for each scan; exit status 0 when every scan is accepted or repaired,
4 otherwise, 2 with one line on stderr for a wrong command line or table. A flipped bit inside
uncompressed voxels is caught only where a list of checksums lies beside the scans as SHA256SUMS
or is named with --checksums: no value that a CT may hold tells that it was another one before.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lungct.command_line import Parser, print_warnings, run, usage_error
from lungct.exit_status import EXIT_OK, EXIT_REFUSED
from lungct.geometry import Geometry
from lungct.inventory import FoundScan, Inventory, take_inventory
from lungct.limits import LUNG, REGIONS
from lungct.orientation import to_patient_axes
from lungct.processing import PreparedScan, process
from lungct.readers import LAYOUTS
from lungct.readers.metaimage import write_scan
from lungct.record import QUARANTINED, ScanRecord
from lungct.record_lines import as_json_line, as_line, total_line
from lungct.results_folder import folder_apart
from lungct.roots import AUTO, LIDC, TRUTHS, DataRoot
from lungct.scan import COVERAGE_THRESHOLD
from lungct.slices import merge_coverage
from lungct.truth.labels import nodule_record

PROGRAM = "lungct.check"


@dataclass(frozen=True)
class Masks:
    """Masks of one scan on its own grid, axes as they are stored.

    Attributes:
        geometry: That grid.
        region: (z, y, x) uint8, 1 in the region of interest, which is the lungs or all.
        nodules: (z, y, x) uint8, 1 where at least half of the voxel lies in a nodule.
    """

    geometry: Geometry
    region: npt.NDArray[np.uint8]
    nodules: npt.NDArray[np.uint8]


def measure(prepared: PreparedScan) -> ScanRecord:
    """The record of a scan, completed by its nodules on the scan's own grid."""
    geometry = prepared.stored.geometry
    patches = prepared.labels.stored_patches(geometry)
    nodules = tuple(nodule_record(patch, geometry) for patch in patches)
    return replace(prepared.record, nodules=nodules)


def masks_of(prepared: PreparedScan) -> Masks:
    """Region and nodules of a scan on its own grid."""
    stored = prepared.stored
    region = np.zeros(stored.hu.shape, dtype=np.bool_)
    to_patient_axes(region, stored.geometry)[0][prepared.region.box] = prepared.region.mask
    patches = prepared.labels.stored_patches(stored.geometry)
    truth = merge_coverage(patches, stored.geometry.shape) >= COVERAGE_THRESHOLD
    return Masks(stored.geometry, region.view(np.uint8), truth.view(np.uint8))


def check_scan(found: FoundScan, masks_folder: Path | None = None) -> ScanRecord:
    """Does with one scan all that can go wrong before it is cut into slices.

    Args:
        found: The scan.
        masks_folder: Where its masks are written; None for nowhere.

    Returns:
        The record of the scan, good or bad.

    Raises:
        OSError: The masks can't be written.
    """

    def finish(prepared: PreparedScan) -> ScanRecord:
        """Completes the record and writes the masks."""
        record = measure(prepared)
        if masks_folder is not None:
            stem = masks_folder / record.series_uid
            _write_masks(stem, masks_of(prepared), "lung" if found.region == LUNG else "region")
        return record

    return process(found, finish)


def _write_masks(stem: Path, masks: Masks, region: str) -> None:
    """Writes both masks."""
    for name, mask in ((region, masks.region), ("nodules", masks.nodules)):
        write_scan(f"{stem}_{name}.mhd", mask, masks.geometry)


def _parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", metavar="DIR", help="scans in one of the layouts")
    parser.add_argument("--layout", choices=(AUTO, *LAYOUTS), default=AUTO, help="default: look")
    parser.add_argument("--region", choices=REGIONS, default=LUNG, help="default %(default)s")
    parser.add_argument("--truth", choices=TRUTHS, default="", help="default: by what is there")
    parser.add_argument("--annotations", metavar="CSV", help="nodules; default that of DIR")
    parser.add_argument("--lidc", metavar="DIR", help="XML files of reader outlines")
    parser.add_argument(
        "--min-readers", type=int, default=DataRoot.min_readers, metavar="N",
        help="default %(default)s",
    )  # fmt: skip
    parser.add_argument("--write-masks", metavar="OUT", help="folder for lung and nodule masks")
    parser.add_argument("--checksums", metavar="FILE", default="", help="a list besides SHA256SUMS")
    parser.add_argument("--json", action="store_true", help="one JSON object per scan")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Checks all scans of a folder.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        Exit status 0, 4 when any scan is quarantined, 2 for usage and what can't be written, 1
        when nobody reads the output any more, 130 when interrupted.
    """
    given = _parser().parse_args(arguments)
    return run(PROGRAM, lambda: _main(given))


def _main(given: argparse.Namespace) -> int:
    """Exit status, unless reading, writing or printing fails."""
    try:
        inventory = _inventory(given)
        folder = _masks_folder(given, inventory.scans) if given.write_masks else None
    except (ValueError, OSError) as error:
        return usage_error(PROGRAM, error)
    print_warnings(inventory.warnings)
    return _run(inventory.scans, given, folder)


def _inventory(given: argparse.Namespace) -> Inventory:
    """Reads every table before any scan."""
    if given.lidc and given.truth not in ("", LIDC):
        raise ValueError(f"expected --lidc without --truth or with lidc, got {given.truth}")
    if given.min_readers < 1:
        raise ValueError(f"expected at least 1 reader, got {given.min_readers}")
    root = DataRoot(
        path=given.folder,
        layout=given.layout,
        region=given.region,
        truth=LIDC if given.lidc else given.truth,
        min_readers=given.min_readers,
        outlines=(given.lidc,) if given.lidc else (),
    )
    tables = (given.annotations,) if given.annotations else None
    return take_inventory([root], given.checksums, tables, need_tables=False)


def _masks_folder(given: argparse.Namespace, scans: Sequence[FoundScan]) -> Path:
    """Makes the folder for masks, which must be none where scans are looked for."""
    return folder_apart("--write-masks", given.write_masks, [given.folder], scans)


def _run(scans: Sequence[FoundScan], given: argparse.Namespace, folder: Path | None) -> int:
    """Checks the scans one by one and prints each as soon as it is known."""
    counts: Counter[str] = Counter()
    for found in scans:
        record = check_scan(found, folder)
        counts[record.outcome] += 1
        print(as_json_line(record) if given.json else as_line(record), flush=True)
        print_warnings([f"{record.series_uid}: {warning}" for warning in record.warnings])
    if not given.json:
        print(total_line(counts))
    return EXIT_REFUSED if counts[QUARANTINED] else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
