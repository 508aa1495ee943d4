"""How each custom step of the pipeline works: one module per component, thin over lungct."""

from components.artifacts import DataVerdict, Quarantine, Report, ScanReport, SplitManifest

__all__ = ["DataVerdict", "Quarantine", "Report", "ScanReport", "SplitManifest"]
