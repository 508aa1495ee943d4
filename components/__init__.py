"""How each custom step of the pipeline works: one module per component, thin over lungct."""

from components.artifacts import DataVerdict, Report, ScanReport

__all__ = ["DataVerdict", "Report", "ScanReport"]
