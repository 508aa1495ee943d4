"""The records of the scans written as files: all of them, the quarantine, the split manifest."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.utils import io_utils

from lungct.record import OUTCOMES, ScanRecord
from schema.files import COUNTS_FILE, MANIFEST_FILE, QUARANTINE_FILE, SCANS_FILE
from schema.model_facts import DataFacts

QUARANTINE_COLUMNS = ("series_uid", "patient_id", "source", "split", "path", "reason")
MANIFEST_COLUMNS = (
    *("patient_id", "series_uid", "source", "split", "outcome", "truth"),
    *("header_sha256", "voxels_sha256", "annotations_sha256", "truth_sha256"),
)


def write_scan_records(
    records: Sequence[ScanRecord], scans: str, quarantine: str, manifest: str
) -> None:
    """Writes the records ordered by series, whatever order they come in.

    Args:
        records: One for each scan found.
        scans: Folder of the ScanRecords.
        quarantine: Folder of the Quarantine.
        manifest: Folder of the SplitManifest.
    """
    ordered = sorted(records, key=lambda record: record.series_uid)
    _write(scans, SCANS_FILE, "".join(f"{record.to_json()}\n" for record in ordered))
    lost = [_columns(record, QUARANTINE_COLUMNS) for record in ordered if not record.used]
    lines = (json.dumps(row, sort_keys=True) + "\n" for row in lost)
    _write(quarantine, QUARANTINE_FILE, "".join(lines))
    _write(quarantine, COUNTS_FILE, json.dumps(count_outcomes(ordered)) + "\n")
    _write(manifest, MANIFEST_FILE, manifest_text(ordered))


def data_facts(records: Sequence[ScanRecord]) -> DataFacts:
    """What the examples were made from, for those who train on them.

    Args:
        records: One for each scan found, in any order.
    """
    ordered = sorted(records, key=lambda record: record.series_uid)
    used = [record for record in ordered if record.used]
    splits = "".join(f"{r.series_uid},{r.patient_id},{r.split}\n" for r in used)
    return DataFacts(
        truths=tuple(sorted({record.truth for record in used})),
        regions=tuple(sorted({record.region for record in used})),
        split_sha256=_sha256(splits),
        data_sha256=_sha256(manifest_text(ordered)),
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
