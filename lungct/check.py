"""`python -m lungct.check DIR`: what would become of these scans?

One line, or one JSON object, for each scan; exit status 0 when every scan is accepted or repaired,
4 otherwise, 2 with one line on stderr where the question itself is wrong. A flipped bit inside
uncompressed voxels is caught only where a list of SHA-256 sums lies beside the scans as SHA256SUMS
or is named with --sums: no value that a CT may hold tells that it was another one before.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from lungct.geometry import Geometry
from lungct.grid import GridConfig, working_geometry
from lungct.lung.mask import lung_mask
from lungct.orientation import to_patient_axes
from lungct.preprocess import ACCEPTED, QUARANTINED, REPAIRED, ScanSummary, quarantined
from lungct.readers.checksum_lists import Checksums, find_checksums, verify_scan
from lungct.readers.metaimage import read_scan, write_scan
from lungct.readers.tables import Annotations, TableError, find_scans, overlooked, read_annotations
from lungct.scan import Nodule, Scan, ScanError
from lungct.slices import TRUTH, merge_coverage
from lungct.summary_lines import as_json_line, as_line, total_line
from lungct.truth.labels import Labels, nodule_facts, read_labels
from lungct.truth.lidc.folders import find_reads
from lungct.truth.lidc.truth import OutlineTruth

# Pixels of a working grid by which the window is measured; only its size in mm matters.
_PIXEL_MM = 0.1


@dataclass(frozen=True)
class Inputs:
    """What lies beside the scans.

    Attributes:
        nodules: Annotated nodules by series.
        outlines: XML files by series.
        min_readers: Readers who must have outlined a voxel for it to be nodule.
        sums: SHA-256 by folder and file name.
        window_mm: Side of the slice window that lungs and nodules must fit.
    """

    nodules: Mapping[str, tuple[Nodule, ...]]
    outlines: Mapping[str, tuple[str, ...]]
    min_readers: int
    sums: Checksums
    window_mm: float

    def truth(self, series_uid: str) -> OutlineTruth | None:
        """Outlines of a series, None where it has none and spheres are used."""
        paths = self.outlines.get(series_uid)
        return OutlineTruth(paths, self.min_readers) if paths else None


@dataclass(frozen=True)
class Masks:
    """Masks of one scan on its own grid, axes as they are stored.

    Attributes:
        geometry: That grid.
        lung: (z, y, x) uint8, 1 in the lungs.
        nodules: (z, y, x) uint8, 1 where at least half of the voxel lies in a nodule.
    """

    geometry: Geometry
    lung: npt.NDArray[np.uint8]
    nodules: npt.NDArray[np.uint8]


def check_scan(header_path: str, inputs: Inputs) -> tuple[ScanSummary, Masks]:
    """Does with one scan all that can go wrong before it is cut into slices.

    Args:
        header_path: The scan's `.mhd`.
        inputs: What lies beside the scans.

    Returns:
        The summary, nodule volumes measured on the scan's own grid, and the masks.

    Raises:
        ScanError: The scan would be quarantined.
    """
    started = time.perf_counter()
    verify_scan(header_path, inputs.sums)
    scan = read_scan(header_path)
    try:
        summary, masks = _check(scan, inputs)
    except ScanError as error:
        raise ScanError(f"{error} in {header_path}") from error
    return replace(summary, seconds=round(time.perf_counter() - started, 3)), masks


def _check(scan: Scan, inputs: Inputs) -> tuple[ScanSummary, Masks]:
    """Summary without time, and masks."""
    nodules = inputs.nodules.get(scan.series_uid, ())
    labels = read_labels(scan, nodules, inputs.truth(scan.series_uid))
    lung = lung_mask(scan.hu, scan.geometry)
    _check_window(scan.geometry, lung, labels, inputs.window_mm)
    patches = labels.stored_patches(scan.geometry)
    truth = merge_coverage(patches, scan.geometry.shape) >= TRUTH
    _, patient = to_patient_axes(scan.hu, scan.geometry)
    summary = ScanSummary(
        series_uid=scan.series_uid,
        patient_id="",
        outcome=REPAIRED if scan.repairs else ACCEPTED,
        reason="; ".join(scan.repairs),
        shape=patient.shape,
        spacing_mm=patient.spacing_zyx_mm,
        lung_volume_ml=np.count_nonzero(lung) * patient.voxel_volume_mm3 / 1000,
        nodules=tuple(nodule_facts(patch, scan.geometry) for patch in patches),
        warnings=labels.warnings,
    )
    return summary, Masks(scan.geometry, lung.view(np.uint8), truth.view(np.uint8))


def _check_window(
    geometry: Geometry, lung: npt.NDArray[np.bool_], labels: Labels, window_mm: float
) -> None:
    """Refuses lungs and nodules that do not fit the slices of the working grid."""
    size = max(round(window_mm / _PIXEL_MM), 1)
    grid = GridConfig((1.0, window_mm / size, window_mm / size), size, 0, 0.0)
    view, patient = to_patient_axes(lung, geometry)
    working_geometry(patient, view, grid, labels.extents)


def _checked(path: str, inputs: Inputs, masks_folder: Path | None) -> ScanSummary:
    """Summary of a scan, good or bad; its masks are written."""
    started = time.perf_counter()
    try:
        summary, masks = check_scan(path, inputs)
    except ScanError as error:
        seconds = round(time.perf_counter() - started, 3)
        return replace(quarantined(path, error), seconds=seconds)
    if masks_folder is not None:
        _write_masks(masks_folder / summary.series_uid, masks)
    return summary


def _write_masks(stem: Path, masks: Masks) -> None:
    """Writes both masks; an error names the file, also where the system does not."""
    for name, mask in (("lung", masks.lung), ("nodules", masks.nodules)):
        place = f"{stem}_{name}.mhd"
        try:
            write_scan(place, mask, masks.geometry)
        except OSError as error:
            raise OSError(error.errno, error.strerror, error.filename or place) from error


def _parser() -> argparse.ArgumentParser:
    """The command line, whose errors are one line."""

    class Parser(argparse.ArgumentParser):
        """A parser without its usage in front of every error."""

        def error(self, message: str) -> NoReturn:
            """Ends the process with one line."""
            self.exit(2, f"{self.prog}: {message}\n")

    parser = Parser("python -m lungct.check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", metavar="DIR", help="holds *.mhd or subset*/*.mhd")
    parser.add_argument("--annotations", metavar="CSV", help="nodules as in LUNA16")
    parser.add_argument("--lidc", metavar="DIR", help="XML files of reader outlines")
    parser.add_argument("--min-readers", type=int, default=2, metavar="N", help="default 2")
    parser.add_argument("--write-masks", metavar="OUT", help="folder for lung and nodule masks")
    parser.add_argument("--sums", metavar="FILE", help="SHA-256 sums besides DIR/SHA256SUMS")
    parser.add_argument(
        "--window-mm", type=float, default=358.4, metavar="MM",
        help="side of a slice, which lungs must fit; default 358.4, that of LUNA16's configuration",
    )  # fmt: skip
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
    try:
        return _main(given)
    except BrokenPipeError:
        # What is left to print must not fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _usage_error(error)
    except KeyboardInterrupt:
        print("lungct.check: interrupted", file=sys.stderr)
        return 130


def _main(given: argparse.Namespace) -> int:
    """Exit status where nothing gets in the way of reading, writing and printing."""
    try:
        paths = find_scans([given.folder])
        inputs, notes = _inputs(given, paths)
        folder = _masks_folder(given, paths) if given.write_masks else None
    except (ValueError, OSError) as error:
        return _usage_error(error)
    _print_notes(notes)
    return _run(paths, inputs, folder, given.json)


def _masks_folder(given: argparse.Namespace, paths: list[str]) -> Path:
    """Makes the folder for masks, which must be none where scans are looked for."""
    folder, root = Path(given.write_masks).resolve(), Path(given.folder).resolve()
    of_scans = {root, *(Path(path).resolve().parent for path in paths)}
    if folder in of_scans or (folder.parent == root and folder.match("subset*")):
        raise ValueError(f"expected --write-masks apart from the scans, got {given.write_masks!r}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _usage_error(error: Exception) -> int:
    """One line on stderr."""
    print(f"lungct.check: {error}", file=sys.stderr)
    return 2


def _inputs(given: argparse.Namespace, paths: list[str]) -> tuple[Inputs, list[str]]:
    """Reads every table before any scan, and what is to be known of them."""
    if not paths:
        raise TableError(f"expected scans in {given.folder}, got no .mhd there or in subset*/")
    if given.min_readers < 1 or not 0 < given.window_mm < np.inf:
        got = f"{given.min_readers} readers and {given.window_mm} mm"
        raise ValueError(f"expected at least 1 reader and a window above 0 mm, got {got}")
    table = read_annotations(given.annotations) if given.annotations else Annotations({}, ())
    outlines = find_reads(given.lidc) if given.lidc else {}
    sums, warnings = find_checksums([given.folder], paths, given.sums)
    inputs = Inputs(table.by_series, outlines, given.min_readers, sums, given.window_mm)
    absences = _absences({Path(path).stem for path in paths}, inputs)
    return inputs, [*table.warnings, *warnings, *overlooked([given.folder], paths), *absences]


def _absences(found: set[str], inputs: Inputs) -> Iterator[str]:
    """Annotations without a scan, and scans without the outlines that others have."""
    missing = sorted(set(inputs.nodules) - found)
    if missing:
        yield f"{len(missing)} annotated series are not here, the first is {missing[0]}"
    without = sorted(found - set(inputs.outlines)) if inputs.outlines else []
    if without:
        yield f"{len(without)} scans without outlines take spheres, the first is {without[0]}"


def _run(paths: list[str], inputs: Inputs, folder: Path | None, as_json: bool) -> int:
    """Checks the scans one by one and prints each as soon as it is known."""
    counts: Counter[str] = Counter()
    for path in paths:
        summary = _checked(path, inputs, folder)
        counts[summary.outcome] += 1
        print(as_json_line(summary) if as_json else as_line(summary), flush=True)
        _print_notes([f"{summary.series_uid}: {report}" for report in summary.warnings])
    if not as_json:
        print(total_line(counts))
    return 4 if counts[QUARANTINED] else 0


def _print_notes(notes: list[str]) -> None:
    """What is no outcome goes to stderr, so that every line of stdout is a scan."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
