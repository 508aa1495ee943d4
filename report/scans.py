"""What became of each scan: reads the ScanReport artifact and sums it up for the report."""

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from lungct.preprocess import ACCEPTED, QUARANTINED, REPAIRED
from schema import features
from schema.files import NOTES_FILE, SCANS_FILE

AXES: Final = ("z", "y", "x")

ZYX = tuple[float, float, float]


@dataclass(frozen=True)
class NoduleFacts:
    """One annotated nodule: identifier, world centre (x, y, z) in mm, diameter in mm, bucket."""

    nodule_id: str
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    bucket: str


@dataclass(frozen=True)
class ScanFacts:
    """One scan found; quarantined ones lack spacing and slices, and a truth."""

    series_uid: str
    patient_id: str
    split: str
    outcome: str
    reason: str
    truth: str
    warnings: tuple[str, ...]
    spacing_mm: ZYX | None
    slice_count: int
    nodules: tuple[NoduleFacts, ...]

    @property
    def used(self) -> bool:
        """Whether slices were made of it."""
        return self.outcome in (ACCEPTED, REPAIRED)


@dataclass(frozen=True)
class ScanNotes:
    """What holds for the data as a whole.

    Attributes:
        phantom: Whether the scans are computer-made.
        phantom_series: Which of them are; None when `phantom` speaks for all.
        table_reports: What the readers of the annotation tables had to say.
    """

    phantom: bool
    phantom_series: frozenset[str] | None
    warnings: tuple[str, ...]

    def is_phantom(self, series_uid: str) -> bool:
        """Whether this series is computer-made."""
        return self.phantom if self.phantom_series is None else series_uid in self.phantom_series


@dataclass(frozen=True)
class SplitFacts:
    """How much one split holds."""

    split: str
    patients: int
    scans: int
    slices: int
    nodules: Mapping[str, int]


@dataclass(frozen=True)
class SpacingRange:
    """Spacing of the scans along one axis in mm."""

    axis: str
    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class DataFacts:
    """The data of the run; accepted + repaired + quarantined = found.

    `truths` counts the scans used by what their labels were made of.
    """

    found: int
    accepted: int
    repaired: int
    quarantined: int
    phantoms: int
    used: int
    quarantine: tuple[tuple[str, str], ...]
    repairs: tuple[tuple[str, str], ...]
    remarks: tuple[tuple[str, str], ...]
    truths: Mapping[str, int]
    spacing: tuple[SpacingRange, ...]
    splits: tuple[SplitFacts, ...]
    warnings: tuple[str, ...]

    @property
    def all_phantom(self) -> bool:
        """Whether every scan used is computer-made."""
        return self.used > 0 and self.phantoms == self.used

    @property
    def mixed(self) -> bool:
        """Whether phantoms and real scans are used together."""
        return 0 < self.phantoms < self.used


def read_scans(folder: str) -> tuple[ScanFacts, ...]:
    """All scans found, in the order of the file."""
    with tf.io.gfile.GFile(os.path.join(folder, SCANS_FILE), "r") as file:
        lines = file.read().splitlines()
    return tuple(_scan(json.loads(line)) for line in lines if line.strip())


def read_notes(folder: str) -> ScanNotes:
    """What holds for the data as a whole."""
    with tf.io.gfile.GFile(os.path.join(folder, NOTES_FILE), "r") as file:
        notes = json.loads(file.read())
    series = notes.get("phantom_series")
    return ScanNotes(
        phantom=bool(notes.get("phantom", False)),
        phantom_series=None if series is None else frozenset(series),
        warnings=tuple(notes.get("warnings", ())),
    )


def sum_up(scans: Sequence[ScanFacts], notes: ScanNotes) -> DataFacts:
    """The scans in counts."""
    outcomes = Counter(scan.outcome for scan in scans)
    used = [scan for scan in scans if scan.used]
    return DataFacts(
        found=len(scans),
        accepted=outcomes[ACCEPTED],
        repaired=outcomes[REPAIRED],
        quarantined=outcomes[QUARANTINED],
        phantoms=sum(notes.is_phantom(scan.series_uid) for scan in used),
        used=len(used),
        quarantine=_reasons(scans, QUARANTINED),
        repairs=_reasons(scans, REPAIRED),
        remarks=tuple((scan.series_uid, line) for scan in used for line in scan.warnings),
        truths=dict(sorted(Counter(scan.truth for scan in used if scan.truth).items())),
        spacing=_spacing(used),
        splits=tuple(_split_facts(name, used) for name in _split_names(used)),
        warnings=notes.warnings,
    )


def _scan(row: Mapping[str, Any]) -> ScanFacts:
    outcome = row["outcome"]
    if outcome not in (ACCEPTED, REPAIRED, QUARANTINED):
        raise ValueError(
            f"expected outcome {ACCEPTED}, {REPAIRED} or {QUARANTINED}, got {outcome!r} "
            f"for series {row['series_uid']}"
        )
    spacing = row.get("spacing_mm")
    return ScanFacts(
        series_uid=row["series_uid"],
        patient_id=row.get("patient_id") or "",
        split=row.get("split") or "",
        outcome=outcome,
        reason=row.get("reason") or "",
        truth=row.get("truth") or "",
        warnings=tuple(row.get("reports") or ()),
        spacing_mm=(spacing[0], spacing[1], spacing[2]) if spacing else None,
        slice_count=row.get("slice_count") or 0,
        nodules=tuple(_nodule(nodule) for nodule in row.get("nodules") or ()),
    )


def _nodule(row: Mapping[str, Any]) -> NoduleFacts:
    x, y, z = row["centre_mm"]
    return NoduleFacts(str(row["id"]), (x, y, z), float(row["diameter_mm"]), row["bucket"])


def _reasons(scans: Iterable[ScanFacts], outcome: str) -> tuple[tuple[str, str], ...]:
    return tuple((scan.series_uid, scan.reason) for scan in scans if scan.outcome == outcome)


def _spacing(used: Iterable[ScanFacts]) -> tuple[SpacingRange, ...]:
    known = [scan.spacing_mm for scan in used if scan.spacing_mm is not None]
    if not known:
        return ()
    columns = zip(AXES, zip(*known, strict=True), strict=True)
    return tuple(
        SpacingRange(axis, min(values), statistics.median(values), max(values))
        for axis, values in columns
    )


def _split_names(used: Iterable[ScanFacts]) -> list[str]:
    order = (features.SPLIT_TRAIN, features.SPLIT_EVAL, features.SPLIT_TEST)
    names = {scan.split for scan in used}
    return [name for name in order if name in names] + sorted(names - set(order))


def _split_facts(name: str, used: Iterable[ScanFacts]) -> SplitFacts:
    scans = [scan for scan in used if scan.split == name]
    buckets = Counter(nodule.bucket for scan in scans for nodule in scan.nodules)
    return SplitFacts(
        split=name,
        patients=len({scan.patient_id for scan in scans}),
        scans=len(scans),
        slices=sum(scan.slice_count for scan in scans),
        nodules={bucket: buckets[bucket] for bucket in features.BUCKETS},
    )
