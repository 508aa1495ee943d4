"""Seconds of `python -m lungct.froc` on a submission as large as those to LUNA16.

And of reading the excluded findings alone, which ingest does too.

Usage: python -m benchmarks.froc [--scans 888] [--marks 50000] [--replicates 1000]

The tables are made of chance, with as many nodules and excluded findings a scan as LUNA16 has. The
command runs in a process of its own, its start included, without and with intervals.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.machine import processor, whole_number
from lungct.readers.excluded import read_excluded

NODULES_PER_SCAN = 1186 / 888
EXCLUDED_PER_SCAN = 35_192 / 888
# Positions are drawn in a box of this size.
CHEST_MM = np.array([300.0, 250.0, 300.0])
SEED = 7


def write_tables(folder: Path, scans: int, marks: int) -> list[str]:
    """Writes the tables of a submission.

    Args:
        folder: Where to.
        scans: Scans that count.
        marks: Marks in all of them; nine of ten nodules have one with a high score.

    Returns:
        The options of the command that name them.
    """
    generator = np.random.default_rng(SEED)
    series = np.array([f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{10**29 + n}" for n in range(scans)])

    def places(count: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        """Series, and where in it."""
        return generator.choice(series, count), generator.random((count, 3)) * CHEST_MM

    nodule_series, centres = places(round(NODULES_PER_SCAN * scans))
    excluded_series, excluded = places(round(EXCLUDED_PER_SCAN * scans))
    mark_series, positions = places(marks)
    hits = generator.permutation(marks)[: 9 * len(centres) // 10]
    mark_series[hits], positions[hits] = nodule_series[: len(hits)], centres[: len(hits)]
    scores = generator.random(marks)
    scores[hits] = 1 - 0.1 * scores[hits]
    diameters = generator.uniform(3, 30, len(centres))
    columns = ["seriesuid", "coordX", "coordY", "coordZ"]
    tables: dict[str, list[Any]] = {
        "annotations": [[*columns, "diameter_mm"], *_rows(nodule_series, centres, diameters)],
        "excluded": [
            [*columns, "diameter_mm"],
            *_rows(excluded_series, excluded, np.full(len(excluded), -1)),
        ],
        "series": [[uid] for uid in series],
        "submission": [[*columns, "probability"], *_rows(mark_series, positions, scores)],
    }
    options = []
    for name, rows in tables.items():
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        options += [f"--{name}", str(path)]
    return options


def _rows(
    series: Iterable[str], places: npt.NDArray[np.float64], last: npt.NDArray[Any]
) -> Iterable[list[Any]]:
    """Rows of a table."""
    for uid, place, value in zip(series, places.tolist(), last.tolist(), strict=True):
        yield [uid, *place, value]


def seconds(options: list[str]) -> float:
    """Seconds of one call of the command, start included."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "lungct.froc", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> None:
    """Prints the seconds without and with intervals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, default=888, metavar="N")
    parser.add_argument("--marks", type=whole_number, default=50_000, metavar="N")
    parser.add_argument("--replicates", type=whole_number, default=1000, metavar="N")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        options = write_tables(Path(folder), given.scans, given.marks)
        print(f"{given.marks} marks on {given.scans} scans, {processor()}")
        start = time.perf_counter()
        read_excluded(str(Path(folder) / "excluded.csv"))
        print(f"reading excluded findings: {time.perf_counter() - start:.2f} s")
        print(f"without intervals: {seconds(options):.1f} s", flush=True)
        drawn = [*options, "--bootstrap", str(given.replicates)]
        print(f"{given.replicates} replicates: {seconds(drawn):.1f} s")


if __name__ == "__main__":
    main()
