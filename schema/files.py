"""Names of the files in artifacts, for those who write and those who read them."""

from typing import Final

# ScanRecords: one JSON object for each scan; the warnings of tables and folders.
SCANS_FILE: Final = "scans.jsonl"
WARNINGS_FILE: Final = "warnings.json"

# Quarantine: one JSON object for each scan that can't be used; the counts of outcomes.
QUARANTINE_FILE: Final = "quarantine.jsonl"
COUNTS_FILE: Final = "counts.json"

# SplitManifest: which scan is in which split.
MANIFEST_FILE: Final = "manifest.csv"

# DataVerdict: the checks that the data passed.
VERDICT_FILE: Final = "data_gate.json"

# ModelRun: the epochs of a training run.
HISTORY_FILE: Final = "history.json"

# Examples: one file a scan and one of its index, named by the series; what they were made from.
SCAN_ENDING: Final = ".tfrecord"
INDEX_ENDING: Final = ".tfrecord.gz"
DATA_FILE: Final = "data.json"

# Predictions: one file a scan, named by the series.
MASK_ENDING: Final = ".npz"

# Model, beside the SavedModel: what its users must know.
MODEL_FILE: Final = "model.json"

# PushedModel: the files of the pushed model with their SHA-256.
PUSHED_FILE: Final = "files.json"

# Report: for people and for machines; the model card for both.
REPORT_FILE: Final = "report.html"
SUMMARY_FILE: Final = "summary.json"
MODEL_CARD_FILE: Final = "model_card.json"

# The output folder of a run: its record, TFX's metadata and artifacts.
RUN_FILE: Final = "run.json"
METADATA_FILE: Final = "metadata.sqlite"
ARTIFACTS_FOLDER: Final = "artifacts"
