"""What became of the scans, written as files: records, quarantine with counts, split manifest."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.utils import io_utils

from lungct.preprocess import ACCEPTED, QUARANTINED, REPAIRED
from schema.files import COUNTS_FILE, MANIFEST_FILE, QUARANTINE_FILE, SCANS_FILE

Record = Mapping[str, Any]

OUTCOMES = (ACCEPTED, REPAIRED, QUARANTINED)
QUARANTINE_COLUMNS = ("series_uid", "patient_id", "split", "header", "reason")
MANIFEST_COLUMNS = (
    *("patient_id", "series_uid", "split", "outcome", "truth"),
    *("header_sha256", "voxels_sha256", "annotations_sha256", "outlines_sha256"),
)


def write_scan_records(
    records: Sequence[Record], scans: str, quarantine: str, manifest: str
) -> None:
    """Writes what became of each scan, ordered by series, whatever order the records come in.

    Args:
        records: What `components.ct_example_gen.conversion.convert_scan` gave for each scan.
        scans: Folder of the ScanReport.
        quarantine: Folder of the Quarantine.
        manifest: Folder of the SplitManifest.
    """
    ordered = sorted(records, key=lambda record: str(record["series_uid"]))
    _write(scans, SCANS_FILE, _json_lines(ordered))
    lost = [record for record in ordered if record["outcome"] == QUARANTINED]
    rows = [{name: record[name] for name in QUARANTINE_COLUMNS} for record in lost]
    _write(quarantine, QUARANTINE_FILE, _json_lines(rows))
    _write(quarantine, COUNTS_FILE, json.dumps(count_outcomes(ordered)) + "\n")
    _write(manifest, MANIFEST_FILE, manifest_text(ordered))


def count_outcomes(records: Sequence[Record]) -> dict[str, int]:
    """Counts what became of the scans; the three outcomes sum to `found`."""
    outcomes = [record["outcome"] for record in records]
    return {"found": len(outcomes), **{name: outcomes.count(name) for name in OUTCOMES}}


def manifest_text(records: Sequence[Record]) -> str:
    """The split manifest as CSV, which `split.table` can read.

    It holds nothing that differs between two runs on the same inputs, such as times and places.

    Args:
        records: What became of each scan, in the order of the rows.

    Returns:
        A header line and a line for each scan, quarantined ones too.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MANIFEST_COLUMNS)
    writer.writerows([record[name] for name in MANIFEST_COLUMNS] for record in records)
    return text.getvalue()


def _json_lines(records: Sequence[Record]) -> str:
    return "".join(json.dumps(record, sort_keys=True) + "\n" for record in records)


def _write(folder: str, name: str, text: str) -> None:
    io_utils.write_string_file(os.path.join(folder, name), text)
