"""Artifact types of ours: what is known of scans and models, and is no example.

A type's name is where Kubeflow Pipelines 2 imports it from, with one dot: the package exports it.
"""

from tfx import types


class ScanRecords(types.Artifact):
    """The record of each scan found.

    A folder with `scans.jsonl` (one JSON object per scan: outcome, reason, split, facts) and
    `warnings.json` (warnings of tables and folders).
    """

    TYPE_NAME = "components.ScanRecords"


class Quarantine(types.Artifact):
    """The scans that can't be used, and how many can.

    A folder with `quarantine.jsonl` (one JSON object per scan: series, patient, split, path,
    reason) and `counts.json`, in which accepted, repaired and quarantined sum to found. The counts
    are custom properties too.
    """

    TYPE_NAME = "components.Quarantine"


class SplitManifest(types.Artifact):
    """Which scan is in which split, and what it was made from: a folder with `manifest.csv`."""

    TYPE_NAME = "components.SplitManifest"


class DataVerdict(types.Artifact):
    """That DataGate let the data through: a folder with `data_gate.json`, its table of checks."""

    TYPE_NAME = "components.DataVerdict"


class Predictions(types.Artifact):
    """The candidate's masks: a folder with a file for each scan judged, by `schema.masks`."""

    TYPE_NAME = "components.Predictions"


class Report(types.Artifact):
    """The run's report: a folder with `report.html`, and as JSON its facts and the model card."""

    TYPE_NAME = "components.Report"
