"""What a nodule threshold costs and saves: nodules found and false positives from each one on.

Usage: python -m benchmarks.nodule_threshold ROWS [--split train]

ROWS is a folder `artifacts/SegmentScans/rows/NUMBER` of a run whose model had no nodule threshold:
what lies below one is in no row. For each data root and threshold: the share of
the annotated nodules that are hit (LUNA16's rule, see `lungct.froc.matching`), and false positives
per scan. A threshold is to be chosen on the train split, or on patients who are judged no more.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

import numpy as np

from lungct.froc.curve import Curve, Froc
from lungct.tally import Tally
from schema import features
from schema.judged import tally_rows

_THRESHOLDS: Final = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)


def froc_by_source(tally: Tally) -> dict[str, Froc]:
    """The candidate's marks by name of the data root, in order."""
    sources = sorted({key.source for key in tally.counts})
    return {source: tally.part(features.CANDIDATE, source=source).froc for source in sources}


def at_threshold(curve: Curve, threshold: float) -> tuple[float, float]:
    """Sensitivity, NaN where there is no nodule, and false positives a scan from a threshold on."""
    # Scores fall along the curve: the last point that is not below the threshold.
    place = int(np.searchsorted(-curve.scores, -threshold, side="right")) - 1
    return float(curve.sensitivity[place]), float(curve.false_positives_per_scan[place])


def shown(frocs: dict[str, Froc]) -> str:
    """A table for each data root."""
    lines = []
    for source, froc in frocs.items():
        lines += [f"{source}: {froc.scans.sum()} scans, {froc.nodules.sum()} nodules"]
        lines += [f"{'threshold':>12}{'nodules hit':>14}{'false positives a scan':>26}"]
        curve = froc.curve()
        for threshold in _THRESHOLDS:
            sensitivity, per_scan = at_threshold(curve, threshold)
            lines += [f"{threshold:12g}{sensitivity:14.3f}{per_scan:26.2f}"]
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
        folder = f"{given.rows}/Split-{given.split}"
        sys.exit(f"benchmarks.nodule_threshold: expected rows, *.gz, got none in {folder}")
    print(shown(froc_by_source(tally_rows(read_rows(paths, (NODULE, SCAN))))))


if __name__ == "__main__":
    main()
