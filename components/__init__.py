"""How each custom step of the pipeline works: one module or folder per component of ours."""

from components.artifacts import (
    DataVerdict,
    Predictions,
    Quarantine,
    Report,
    ScanRecords,
    SplitManifest,
)

__all__ = [
    "DataVerdict",
    "Predictions",
    "Quarantine",
    "Report",
    "ScanRecords",
    "SplitManifest",
]
