"""A scan's record in one line: of words for people, of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from lungct.record import OUTCOMES, QUARANTINED, ScanRecord
from lungct.words import counted

FIELDS = (
    *("series_uid", "outcome", "reason", "shape", "spacing_mm", "lung_volume_ml"),
    *("nodules", "seconds"),
)


def as_json_line(record: ScanRecord) -> str:
    """A scan for programs."""
    facts = asdict(record)
    return json.dumps({name: facts[name] for name in FIELDS})


def as_line(record: ScanRecord, found: str = "") -> str:
    """A scan for people.

    Args:
        record: The scan.
        found: Its nodules in words; empty for those of the record.
    """
    start = f"{record.outcome:<11} {record.series_uid}  "
    if record.outcome == QUARANTINED:
        return f"{start}{record.reason}  ({record.seconds:.1f} s)"
    shape = "x".join(map(str, record.shape))
    spacing = "x".join(f"{mm:.4g}" for mm in record.spacing_mm)
    sizes = ", ".join(f"{nodule.diameter_mm:.1f}" for nodule in record.nodules)
    own = f"{counted(len(record.nodules), 'nodule')}{f' of {sizes} mm' if sizes else ''}"
    nodules = found or own
    lungs = "" if record.lung_volume_ml is None else f"lungs {record.lung_volume_ml:.0f} ml, "
    return (
        f"{start}{shape} at {spacing} mm, {lungs}{nodules}"
        f"{f'; {record.reason}' if record.reason else ''}  ({record.seconds:.1f} s)"
    )


def total_line(counts: Mapping[str, int]) -> str:
    """The last line: the three outcomes sum to the scans found."""
    parts = ", ".join(f"{counts.get(name, 0)} {name}" for name in OUTCOMES)
    return f"{counted(sum(counts.values()), 'scan')} found: {parts}"
