"""The record of one scan, the same from ingest to the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

ACCEPTED: Final = "accepted"
REPAIRED: Final = "repaired"
QUARANTINED: Final = "quarantined"
OUTCOMES: Final = (ACCEPTED, REPAIRED, QUARANTINED)


@dataclass(frozen=True)
class NoduleRecord:
    """One nodule as it was rendered.

    Attributes:
        id: Unique within its scan.
        centre_mm: World (x, y, z) in mm.
        diameter_mm: Diameter, or that of the sphere of the same volume.
        volume_mm3: Volume as rendered.
        bucket: Size bucket of the diameter.
    """

    id: str
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    volume_mm3: float
    bucket: str


@dataclass(frozen=True)
class FindingRecord:
    """An excluded finding: a found nodule on it is neither right nor wrong.

    Attributes:
        centre_mm: World (x, y, z) in mm.
        diameter_mm: Diameter; -1 where nobody measured it.
    """

    centre_mm: tuple[float, float, float]
    diameter_mm: float


@dataclass(frozen=True)
class ScanRecord:
    """One scan found: its outcome and the facts known of it.

    Attributes:
        series_uid: Name of the scan.
        outcome: One of OUTCOMES.
        reason: What was repaired, or why the scan can't be used; empty for an accepted scan.
        patient_id: Patient; empty where it is not known.
        source: Name of the data root.
        split: Split of the patient; empty outside of a pipeline.
        path: What names the scan: header, file or folder.
        phantom: Whether it is made by a computer.
        region: Kind of region of interest.
        truth: What its nodules were made from, in words; empty for a quarantined scan.
        shape: Voxels (z, y, x) of the scan's own grid.
        spacing_mm: Its spacing (z, y, x).
        lung_volume_ml: Volume of the lung mask; None where the region is all of the volume.
        hu_percentiles: Percentiles 1, 50 and 99 of the HU in the box around the region.
        nodules: Its nodules.
        excluded: Its excluded findings, each once.
        slice_count: Slices on the working grid.
        seconds: Time that it took.
        warnings: What else should be known, one line each.
        header_sha256: Of the file that names it; empty where that is a folder or can't be read.
        voxels_sha256: Of the files that hold its voxels; empty where one can't be read.
        annotations_sha256: Of its annotation rows.
        truth_sha256: Of its outlines or label mask.
    """

    series_uid: str
    outcome: str
    reason: str = ""
    patient_id: str = ""
    source: str = ""
    split: str = ""
    path: str = ""
    phantom: bool = False
    region: str = ""
    truth: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    lung_volume_ml: float | None = None
    hu_percentiles: tuple[float, ...] = ()
    nodules: tuple[NoduleRecord, ...] = ()
    excluded: tuple[FindingRecord, ...] = ()
    slice_count: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    header_sha256: str = ""
    voxels_sha256: str = ""
    annotations_sha256: str = ""
    truth_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuses an outcome that is none; raises ValueError naming it."""
        if self.outcome not in OUTCOMES:
            raise ValueError(
                f"expected an outcome {', '.join(OUTCOMES)}, got {self.outcome!r} "
                f"for series {self.series_uid}"
            )

    @property
    def used(self) -> bool:
        """Whether the scan is data: accepted or repaired."""
        return self.outcome != QUARANTINED

    def facts(self) -> dict[str, float]:
        """The numbers that data validation watches, by name; none of what is not known."""
        unknown = (None, None, None)
        triples = (self.spacing_mm or unknown, self.hu_percentiles or unknown)
        values = (*triples[0], *triples[1], self.lung_volume_ml)
        named = zip(FACTS, values, strict=True)
        return {name: float(value) for name, value in named if value is not None}

    def to_json(self) -> str:
        """The record as one line of JSON, the same for the same record always."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> ScanRecord:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: The line is no record.
        """
        content = json.loads(line)
        if not isinstance(content, dict) or not {"series_uid", "outcome"} <= set(content):
            raise ValueError(f"expected the record of a scan, got {line[:80]!r}")
        known = {field.name for field in fields(cls)} - set(_PARTS)
        values = {name: _as_tuple(value) for name, value in content.items() if name in known}
        values |= {name: _parts(content, name) for name in _PARTS}
        return cls(**values)


FACTS: Final = (
    *("spacing_z_mm", "spacing_y_mm", "spacing_x_mm"),
    *("hu_p01", "hu_p50", "hu_p99"),
    "lung_volume_ml",
)


_PARTS: Final[Mapping[str, Callable[..., Any]]] = {
    "nodules": NoduleRecord,
    "excluded": FindingRecord,
}


def _parts(content: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """The nodules or findings of a record."""
    try:
        return tuple(
            _PARTS[name](**{key: _as_tuple(value) for key, value in part.items()})
            for part in content.get(name, ())
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f"expected {name} of {content['series_uid']}, got {content[name]!r:.80}"
        ) from error


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
