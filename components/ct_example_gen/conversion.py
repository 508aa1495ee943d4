"""ConvertScan: one scan in, one file of tf.Examples and one record out."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from components.ct_example_gen.examples import slice_example
from components.ct_example_gen.inventory import LIDC, REFUSE, SPHERES, ScanTask, TruthRule
from components.ct_example_gen.storage import is_remote, local_copies
from components.ct_example_gen.tfrecords import write_records
from lungct import progress
from lungct.grid import GridConfig
from lungct.preprocess import ScanSummary, process_scan, quarantined
from lungct.readers.checksum_lists import Checksums, resolved
from lungct.readers.checksums import (
    ScanChecksums,
    annotation_checksum,
    files_checksum,
    scan_checksums,
    verify_checksums,
)
from lungct.scan import ScanError
from lungct.slices import Slices
from lungct.truth.lidc.truth import OutlineTruth
from schema import features


@dataclasses.dataclass(frozen=True)
class Rules:
    """What holds for the conversion of every scan.

    Attributes:
        grid: The working grid.
        truth: What counts as nodule.
        sums: SHA-256 that were listed, by folder and file name.
    """

    grid: GridConfig
    truth: TruthRule = TruthRule()
    sums: Checksums = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Local:
    """Files of one scan on this machine: its header, with the voxels beside it, and outlines."""

    header: str
    outlines: tuple[str, ...]


def convert_scan(task: ScanTask, folder: str, rules: Rules) -> dict[str, Any]:
    """Converts one scan, and never lets a bad scan stop the others.

    Args:
        task: The scan.
        folder: Where its file of examples goes.
        rules: How it is converted.

    Returns:
        `lungct.preprocess.ScanSummary` as plain JSON, with `split`, `header`, `truth` and SHA-256
        sums of what it was made from; a scan that can't be used has the outcome "quarantined" and
        the reason.

    Raises:
        OSError: If the examples can't be written.
    """
    start = time.monotonic()
    with _local(task) as files:
        sums = scan_checksums(files.header)
        read = _read(task, files, rules, sums)
        outlines_checksum = _sum_of(files.outlines)
    truth = f"outlines of {rules.truth.min_readers} or more readers" if task.outlines else SPHERES
    if isinstance(read, ScanError):
        summary, truth = quarantined(task.header, read, task.patient_id), ""
    else:
        summary, slices = read
        facts = _facts(summary)
        path = os.path.join(folder, f"{task.series_uid}.tfrecord.gz")
        write_records(path, (slice_example(record, task, facts) for record in slices))
    return {
        **dataclasses.asdict(summary),
        "seconds": round(time.monotonic() - start, 3),
        "split": task.split,
        "header": task.header,
        "truth": truth,
        "header_sha256": sums.header,
        "voxels_sha256": sums.voxels,
        "annotations_sha256": annotation_checksum(task.nodules),
        "outlines_sha256": outlines_checksum,
    }


def _read(
    task: ScanTask, files: Local, rules: Rules, sums: ScanChecksums
) -> tuple[ScanSummary, Slices] | ScanError:
    """The scan in slices, or why it can't be used."""
    listed = rules.sums.get(resolved(os.path.dirname(task.header)), {})
    try:
        verify_checksums(sums, files.header, listed)
        truth = _truth(task, files, rules.truth)
        return process_scan(files.header, task.nodules, rules.grid, task.patient_id, truth)
    except ScanError as error:
        # A copy's place would tell nobody anything.
        return ScanError(str(error).replace(files.header, task.header))


def _truth(task: ScanTask, files: Local, rule: TruthRule) -> OutlineTruth | None:
    """Outlines of a scan; None where spheres are the truth."""
    if files.outlines:
        return OutlineTruth(files.outlines, rule.min_readers)
    if rule.source == LIDC and rule.without_outlines == REFUSE:
        raise ScanError(
            f"expected reader outlines of series {task.series_uid}, got no XML file of it "
            f"for {task.header}"
        )
    return None


@contextlib.contextmanager
def _local(task: ScanTask) -> Iterator[Local]:
    """The scan's files on this machine, copied there for as long as the context lasts."""
    with contextlib.ExitStack() as stack:
        header, *_ = stack.enter_context(local_copies(_files_of(task.header)))
        # One by one: files of one series may have the same name in different folders.
        outlines = [stack.enter_context(local_copies([path]))[0] for path in task.outlines]
        yield Local(header, tuple(outlines))


def _files_of(header: str) -> list[str]:
    """The header and, where they must be copied, the voxels that may belong to it."""
    if not is_remote(header):
        return [header]
    stem = header.removesuffix(".mhd")
    return [header, *(path for path in (f"{stem}.raw", f"{stem}.zraw") if fileio.exists(path))]


def _sum_of(outlines: tuple[str, ...]) -> str:
    """One sum of all outlines; empty where one can't be read, for which the scan is quarantined."""
    try:
        return files_checksum(outlines)
    except OSError:
        return ""


def _facts(summary: ScanSummary) -> dict[str, float]:
    """The numbers about a scan that each of its slices carries, by feature name."""
    names = (
        *(features.SPACING_Z_MM, features.SPACING_Y_MM, features.SPACING_X_MM),
        *(features.HU_P01, features.HU_P50, features.HU_P99),
        features.LUNG_VOLUME_ML,
    )
    values = (*summary.spacing_mm, *summary.hu_percentiles, summary.lung_volume_ml)
    return dict(zip(names, values, strict=True))


class ConvertScan(beam.DoFn):
    """Converts scans, and reports how far this process has come."""

    def __init__(self, folders: Mapping[str, str], rules: Rules, total: int) -> None:
        """Keeps what every scan needs.

        Args:
            folders: Folder of the examples by split.
            rules: How scans are converted.
            total: How many scans there are, for progress.
        """
        self._folders = dict(folders)
        self._rules = rules
        self._total = total
        self._done = 0

    def process(self, task: ScanTask) -> Iterator[dict[str, Any]]:
        """Converts one scan.

        Args:
            task: The scan.

        Yields:
            What became of it.
        """
        yield convert_scan(task, self._folders[task.split], self._rules)
        self._done += 1
        progress.report("scans", self._done, self._total)
