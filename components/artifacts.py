"""Artifact types of ours: what became of each scan, whether the data may be used, the report.

A type's name is where Kubeflow Pipelines 2 imports it from, with one dot: the package exports it.
"""

from tfx import types

# Files of a ScanReport.
SCANS_FILE = "scans.jsonl"
NOTES_FILE = "notes.json"


class ScanReport(types.Artifact):
    """What became of each scan found.

    A folder with `scans.jsonl` (one JSON object per scan: outcome, reason, split, facts) and
    `notes.json` (whether the scans are phantoms, what the tables' readers reported).
    """

    TYPE_NAME = "components.ScanReport"


class DataVerdict(types.Artifact):
    """That DataGate let the data through: a folder with `data_gate.json`, its table of checks."""

    TYPE_NAME = "components.DataVerdict"


class Report(types.Artifact):
    """The run's report: a folder with `report.html` and, for machines, `summary.json`."""

    TYPE_NAME = "components.Report"
