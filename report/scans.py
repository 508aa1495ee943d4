"""The scans of a run summed up for the report."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lungct.limits import VOLUME
from lungct.record import ACCEPTED, QUARANTINED, REPAIRED, ScanRecord
from schema import features

AXES: Final = ("z", "y", "x")


@dataclass(frozen=True)
class SplitFacts:
    """How much one split holds."""

    split: str
    patients: int
    scans: int
    slices: int
    nodules: Mapping[str, int]


@dataclass(frozen=True)
class SourceFacts:
    """How much of one data root is in one split."""

    source: str
    split: str
    patients: int
    scans: int
    nodules: int


@dataclass(frozen=True)
class SpacingRange:
    """Spacing of the scans along one axis in mm."""

    axis: str
    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class ScanSummary:
    """The data of the run; accepted + repaired + quarantined = found.

    `truths` counts the scans used by what their labels were made of; `crops` are scans of which all
    is the region of interest; `excluded_findings` are those of the scans used, on which a found
    nodule counts neither way; `members` are the scans used of each split, by patient.
    """

    found: int
    accepted: int
    repaired: int
    quarantined: int
    phantoms: int
    used: int
    quarantine: tuple[tuple[str, str], ...]
    repairs: tuple[tuple[str, str], ...]
    scan_warnings: tuple[tuple[str, str], ...]
    truths: Mapping[str, int]
    sources: tuple[SourceFacts, ...]
    members: Mapping[str, tuple[ScanRecord, ...]]
    crops: int
    excluded_findings: int
    spacing: tuple[SpacingRange, ...]
    splits: tuple[SplitFacts, ...]
    warnings: tuple[str, ...]

    @property
    def all_phantom(self) -> bool:
        """Whether every scan used is computer-made."""
        return self.used > 0 and self.phantoms == self.used

    @property
    def source_names(self) -> tuple[str, ...]:
        """The data roots, each once."""
        return tuple(sorted({one.source for one in self.sources}))

    @property
    def mixed(self) -> bool:
        """Whether phantoms and real scans are used together."""
        return 0 < self.phantoms < self.used


def sum_up(scans: Sequence[ScanRecord], warnings: Sequence[str]) -> ScanSummary:
    """The scans in counts."""
    outcomes = Counter(scan.outcome for scan in scans)
    used = [scan for scan in scans if scan.used]
    splits = _split_names(used)
    return ScanSummary(
        found=len(scans),
        accepted=outcomes[ACCEPTED],
        repaired=outcomes[REPAIRED],
        quarantined=outcomes[QUARANTINED],
        phantoms=sum(scan.phantom for scan in used),
        used=len(used),
        quarantine=_reasons(scans, QUARANTINED),
        repairs=_reasons(scans, REPAIRED),
        scan_warnings=tuple((scan.series_uid, line) for scan in used for line in scan.warnings),
        truths=dict(sorted(Counter(scan.truth for scan in used if scan.truth).items())),
        sources=tuple(_source_facts(used, splits)),
        members={name: _members(name, used) for name in splits},
        crops=sum(scan.region == VOLUME for scan in used),
        excluded_findings=sum(len(scan.excluded) for scan in used),
        spacing=_spacing(used),
        splits=tuple(_split_facts(name, used) for name in splits),
        warnings=tuple(warnings),
    )


def _reasons(scans: Iterable[ScanRecord], outcome: str) -> tuple[tuple[str, str], ...]:
    return tuple((scan.series_uid, scan.reason) for scan in scans if scan.outcome == outcome)


def _spacing(used: Iterable[ScanRecord]) -> tuple[SpacingRange, ...]:
    known = [scan.spacing_mm for scan in used if scan.spacing_mm]
    if not known:
        return ()
    columns = zip(AXES, zip(*known, strict=True), strict=True)
    return tuple(
        SpacingRange(axis, min(values), statistics.median(values), max(values))
        for axis, values in columns
    )


def _split_names(used: Iterable[ScanRecord]) -> list[str]:
    names = {scan.split for scan in used}
    known = [name for name in features.SPLITS if name in names]
    return known + sorted(names.difference(known))


def _split_facts(name: str, used: Iterable[ScanRecord]) -> SplitFacts:
    scans = [scan for scan in used if scan.split == name]
    buckets = Counter(nodule.bucket for scan in scans for nodule in scan.nodules)
    return SplitFacts(
        split=name,
        patients=len({scan.patient_id for scan in scans}),
        scans=len(scans),
        slices=sum(scan.slice_count for scan in scans),
        nodules={bucket: buckets[bucket] for bucket in features.BUCKETS},
    )


def _source_facts(used: Sequence[ScanRecord], splits: Sequence[str]) -> Iterable[SourceFacts]:
    """Of each data root what is in each split."""
    for source in sorted({scan.source for scan in used}):
        for split in splits:
            scans = [scan for scan in used if (scan.source, scan.split) == (source, split)]
            if scans:
                yield SourceFacts(
                    source=source,
                    split=split,
                    patients=len({scan.patient_id for scan in scans}),
                    scans=len(scans),
                    nodules=sum(len(scan.nodules) for scan in scans),
                )


def _members(split: str, used: Iterable[ScanRecord]) -> tuple[ScanRecord, ...]:
    scans = [scan for scan in used if scan.split == split]
    return tuple(sorted(scans, key=lambda scan: (scan.patient_id, scan.series_uid)))
