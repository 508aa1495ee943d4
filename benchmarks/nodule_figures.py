"""Figures of judged nodules by group, with intervals by patient, as a table and as JSON."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from lungct.figures import Measured, measure, measure_gap
from lungct.intervals import percentile_interval, replicate_weights
from lungct.metrics import ratio
from lungct.tally import Counts, Part, Tally
from schema.judged import NoduleRow, Row, key_of
from schema.metrics import figure_text, find_metric

NODULE_DICE: Final = "nodule_dice"
FIGURES: Final = (NODULE_DICE, "pooled_dice", "mean_slice_dice")
TOUCHED: Final = "touched"  # share of the nodules of which a predicted voxel is true
REPLICATES: Final = 1000

_ALL: Final = "all models of a row"
_SEED: Final = 1
_NAME_WIDTH: Final = 38
_CELL_WIDTH: Final = 26


@dataclass(frozen=True)
class Weighted:
    """A judged row, and how often it counts; all models that it has count alike."""

    row: Row
    weight: int = 1


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        name: Of the group.
        nodules: How many there are; of a gap none.
        patients: Whose they are.
        figures: By key: those of FIGURES, and TOUCHED.
    """

    name: str
    nodules: int
    patients: int
    figures: Mapping[str, Measured]

    def described(self) -> dict[str, Any]:
        """The line as plain JSON; null for what is undefined."""
        figures = {key: _defined(asdict(one)) for key, one in self.figures.items()}
        return {"name": self.name, "nodules": self.nodules, "patients": self.patients, **figures}


def weighted(rows: Iterable[Row]) -> tuple[Weighted, ...]:
    """Rows that count once each."""
    return tuple(Weighted(row) for row in rows)


def measured_line(name: str, rows: Sequence[Weighted], replicates: int = REPLICATES) -> Line:
    """The figures of some rows.

    Args:
        name: Of the group.
        rows: Of nodules, slices and scans.
        replicates: How often patients are drawn; 0 for no intervals.
    """
    part = _part_of(rows)
    nodules = [one.row.place for one in rows if isinstance(one.row, NoduleRow)]
    figures = {key: measure(key, part, replicates) for key in FIGURES}
    return Line(
        name,
        len({(place.series_uid, place.source) for place in nodules}),
        len({place.patient_id for place in nodules}),
        {**figures, TOUCHED: share_touched(rows, replicates)},
    )


def gap_line(
    name: str, train: Sequence[Weighted], held_out: Sequence[Weighted], replicates: int = REPLICATES
) -> Line:
    """Figures of trained patients minus those of others, both drawn by themselves."""
    parts = _part_of(train), _part_of(held_out)
    return Line(name, 0, 0, {key: measure_gap(key, *parts, replicates) for key in FIGURES})


def share_touched(rows: Sequence[Weighted], replicates: int = REPLICATES) -> Measured:
    """Share of the nodules of which at least one predicted voxel is true.

    Args:
        rows: Of nodules; others are passed over.
        replicates: How often patients are drawn; 0 for no interval.
    """
    counts: dict[str, list[int]] = {}
    for one in rows:
        if isinstance(one.row, NoduleRow):
            here = counts.setdefault(one.row.place.patient_id, [0, 0])
            overlaps = [figures.overlap for figures in one.row.figures.values()]
            here[0] += one.weight * sum(overlap.common > 0 for overlap in overlaps)
            here[1] += one.weight * len(overlaps)
    sums = np.array([counts[patient] for patient in sorted(counts)], np.int64).reshape(-1, 2)
    value = float(ratio(*sums.sum(axis=0)))
    if not len(sums) or not replicates:
        return Measured(value, math.nan, math.nan)
    drawn = replicate_weights(len(sums), replicates, _SEED) @ sums
    interval = percentile_interval(ratio(drawn[:, 0], drawn[:, 1]), patients=len(sums))
    return Measured(value, interval.lower, interval.upper)


def of_group(rows: Sequence[Weighted], holds: Callable[[Row], bool]) -> tuple[Weighted, ...]:
    """The rows of a group."""
    return tuple(one for one in rows if holds(one.row))


def printed(lines: Sequence[Line]) -> str:
    """The lines as a table, with bounds of 95% intervals in brackets."""
    labels = [*(find_metric(key).label for key in FIGURES), TOUCHED]
    header = f"{'':{_NAME_WIDTH}}{'nodules':>8}{'patients':>10}  "
    text = [header + "".join(f"{label:<{_CELL_WIDTH}}" for label in labels).rstrip()]
    for line in lines:
        counts = (str(number or "") for number in (line.nodules, line.patients))
        cells = (cell(line.figures.get(key)) for key in (*FIGURES, TOUCHED))
        start = "{:<{}}{:>8}{:>10}  ".format(line.name, _NAME_WIDTH, *counts)
        text.append(start + "".join(f"{one:<{_CELL_WIDTH}}" for one in cells).rstrip())
    return "\n".join(text)


def cell(one: Measured | None) -> str:
    """A figure with the bounds of its interval, if there are any."""
    if one is None:
        return ""
    if math.isnan(one.lower):
        return figure_text(one.value)
    bounds = " to ".join(map(figure_text, (one.lower, one.upper)))
    return f"{figure_text(one.value)} ({bounds})".replace("-", "−")


def _part_of(rows: Iterable[Weighted]) -> Part:
    """What all models of the rows have, each row as often as it counts."""
    tally = Tally()
    for one in rows:
        for counts in one.row.counts().values():
            vector = one.weight * counts.vector
            tally.add(key_of(one.row), {_ALL: Counts(vector)})
    return tally.part(_ALL)


def _defined(figure: Mapping[str, float]) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in figure.items()}
