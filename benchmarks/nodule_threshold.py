"""What a nodule threshold costs and saves: nodules found and false positives from each one on.

Usage: python -m benchmarks.nodule_threshold ROWS [--split train]

ROWS is a folder `SegmentScans/rows/NUMBER` of a run. For each data root and threshold: the share of
the annotated nodules that are hit (LUNA16's rule, see `lungct.froc.matching`), and false positives
per scan. A threshold is to be chosen on the train split, or on patients who are judged no more.
"""

import argparse
import math
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schema import features
from schema.judged import NoduleRow, Row, ScanRow

_THRESHOLDS: Final = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)


@dataclass
class Found:
    """What the candidate found in the scans of one data root.

    Attributes:
        scans: How many there are.
        hits: For each annotated nodule the probability of its hit, 0 where none hits it.
        false_positives: Their probabilities.
    """

    scans: int = 0
    hits: list[float] = field(default_factory=list)
    false_positives: list[float] = field(default_factory=list)

    def sensitivity(self, threshold: float) -> float:
        """Share of the nodules that are hit from a threshold on; NaN where there is none."""
        if not self.hits:
            return math.nan
        return sum(hit >= threshold for hit in self.hits) / len(self.hits)

    def per_scan(self, threshold: float) -> float:
        """False positives per scan from a threshold on."""
        return sum(one >= threshold for one in self.false_positives) / self.scans


def found_by_source(rows: Iterable[Row]) -> dict[str, Found]:
    """Sums up the rows of whole scans.

    Args:
        rows: Of any level; those of slices are passed over.

    Returns:
        By name of the data root, in order.
    """
    found: dict[str, Found] = {}
    for row in rows:
        one = found.setdefault(row.place.source, Found())
        if isinstance(row, ScanRow):
            one.scans += 1
            wrong = row.figures[features.CANDIDATE].false_positives
            one.false_positives += [mark.probability for mark in wrong]
        elif isinstance(row, NoduleRow):
            hit = row.figures[features.CANDIDATE].hit_probability
            one.hits.append(0.0 if math.isnan(hit) else hit)
    return dict(sorted(found.items()))


def shown(found: dict[str, Found]) -> str:
    """A table for each data root."""
    lines = []
    for source, one in found.items():
        lines += [f"{source}: {one.scans} scans, {len(one.hits)} nodules"]
        lines += [f"{'threshold':>12}{'nodules hit':>14}{'false positives a scan':>26}"]
        for threshold in _THRESHOLDS:
            figures = f"{one.sensitivity(threshold):14.3f}{one.per_scan(threshold):26.2f}"
            lines += [f"{threshold:12g}{figures}"]
    return "\n".join(lines)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=Path, metavar="ROWS")
    parser.add_argument("--split", default=features.SPLIT_TRAIN, help="default %(default)s")
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from schema.judged_io import NODULE, SCAN, read_rows

    paths = sorted(str(path) for path in given.rows.glob(f"Split-{given.split}/*.gz"))
    if not paths:
        sys.exit(f"benchmarks.nodule_threshold: expected rows in {given.rows}/Split-{given.split}")
    print(shown(found_by_source(read_rows(paths, (NODULE, SCAN)))))


if __name__ == "__main__":
    main()
