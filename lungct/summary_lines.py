"""What became of a scan, in one line: of words for people, of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lungct.preprocess import ACCEPTED, QUARANTINED, REPAIRED, ScanSummary

FIELDS = (
    *("series_uid", "outcome", "reason", "shape", "spacing_mm", "lung_volume_ml"),
    *("nodules", "seconds"),
)


def as_json_line(summary: ScanSummary) -> str:
    """A scan for programs."""
    facts: dict[str, Any] = {name: getattr(summary, name) for name in FIELDS}
    return json.dumps(facts)


def as_line(summary: ScanSummary) -> str:
    """A scan for people."""
    start = f"{summary.outcome:<11} {summary.series_uid}  "
    if summary.outcome == QUARANTINED:
        return f"{start}{summary.reason}  ({summary.seconds:.1f} s)"
    shape = "x".join(map(str, summary.shape))
    spacing = "x".join(f"{mm:.4g}" for mm in summary.spacing_mm)
    sizes = ", ".join(f"{n['diameter_mm']:.1f}" for n in summary.nodules)
    return (
        f"{start}{shape} at {spacing} mm, lungs {summary.lung_volume_ml:.0f} ml, "
        f"{len(summary.nodules)} nodules{f' of {sizes} mm' if sizes else ''}"
        f"{f'; {summary.reason}' if summary.reason else ''}  ({summary.seconds:.1f} s)"
    )


def total_line(counts: Mapping[str, int]) -> str:
    """The last line: the three outcomes sum to the scans found."""
    parts = ", ".join(f"{counts.get(name, 0)} {name}" for name in (ACCEPTED, REPAIRED, QUARANTINED))
    return f"{sum(counts.values())} scans found: {parts}"
