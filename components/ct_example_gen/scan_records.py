"""The records of the scans written as files: all, the quarantine, the split manifest, the facts."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfx.utils import io_utils

from lungct.record import OUTCOMES, ScanRecord
from schema.files import COUNTS_FILE, DATA_FILE, MANIFEST_FILE, QUARANTINE_FILE, SCANS_FILE
from schema.model_facts import DataFacts, facts_of

QUARANTINE_COLUMNS = ("series_uid", "patient_id", "source", "split", "path", "reason")
MANIFEST_COLUMNS = (
    *("patient_id", "series_uid", "source", "split", "outcome", "truth"),
    *("header_sha256", "voxels_sha256", "annotations_sha256", "truth_sha256"),
)


@dataclass(frozen=True)
class RecordFolders:
    """Where the records go.

    Attributes:
        examples: Root of the Examples.
        scans: Folder of the ScanRecords.
        quarantine: Folder of the Quarantine.
        manifest: Folder of the SplitManifest.
    """

    examples: str
    scans: str
    quarantine: str
    manifest: str


def write_scan_records(records: Sequence[ScanRecord], folders: RecordFolders) -> None:
    """Writes the records ordered by series, whatever order they come in.

    Args:
        records: One for each scan found.
        folders: Where they go.
    """
    ordered = sorted(records, key=lambda record: record.series_uid)
    _write(folders.scans, SCANS_FILE, "".join(f"{record.to_json()}\n" for record in ordered))
    lost = [_columns(record, QUARANTINE_COLUMNS) for record in ordered if not record.used]
    lines = (json.dumps(row, sort_keys=True) + "\n" for row in lost)
    _write(folders.quarantine, QUARANTINE_FILE, "".join(lines))
    _write(folders.quarantine, COUNTS_FILE, json.dumps(count_outcomes(ordered)) + "\n")
    text = manifest_text(ordered)
    _write(folders.manifest, MANIFEST_FILE, text)
    _write(folders.examples, DATA_FILE, data_facts(ordered, text).to_json() + "\n")


def data_facts(records: Sequence[ScanRecord], manifest: str) -> DataFacts:
    """What the examples were made from.

    Args:
        records: One for each scan found, ordered by series.
        manifest: The text of the split manifest.

    Returns:
        Truths, regions and patients of the scans that are used, and checksums over all that were
        found.
    """
    placed = (f"{one.series_uid},{one.patient_id},{one.split}\n" for one in records)
    return replace(
        facts_of(records), split_sha256=_sha256("".join(placed)), data_sha256=_sha256(manifest)
    )


def count_outcomes(records: Sequence[ScanRecord]) -> dict[str, int]:
    """Counts outcomes; the three sum to `found`."""
    outcomes = [record.outcome for record in records]
    return {"found": len(outcomes), **{name: outcomes.count(name) for name in OUTCOMES}}


def manifest_text(records: Sequence[ScanRecord]) -> str:
    """The split manifest as CSV, which `split.table` can read.

    It holds nothing that differs between two runs on the same inputs, such as times and places.

    Args:
        records: The records in the order of the rows.

    Returns:
        A header line and a line for each scan, quarantined ones too.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, MANIFEST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_columns(record, MANIFEST_COLUMNS) for record in records)
    return text.getvalue()


def _columns(record: ScanRecord, names: Sequence[str]) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in names}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(folder: str, name: str, text: str) -> None:
    io_utils.write_string_file(os.path.join(folder, name), text)
