"""Cost of ingest: a scan by stages against a floor, and the whole component by number of scans.

Usage: python -m benchmarks.ingest [--scans 2 4 8 16] [--shape 300 512 512] [--config FILE]

The floor is the least that any implementation does: reading the raw file into memory, and one
linear resample by SimpleITK of the box around the lungs to the working grid. It is measured in turn
with `prepare` and `to_slices` in this process. The smallest of several times is printed: on a
shared machine the larger ones include waiting for other processes. The component runs with TFX and
its metadata, as in a real run.
"""

import argparse
import os
import platform
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import SimpleITK as sitk

from benchmarks.machine import memory_bytes, processor, reset_peak_memory, whole_number
from benchmarks.phantom_scans import SEED, first_scans, scans_of
from lungct import processing
from lungct.geometry import Geometry
from lungct.grid import Grid
from lungct.inventory import FoundScan, reader_of
from lungct.lung.airspace import Box
from lungct.processing import prepare, to_slices
from lungct.readers.layout import Reader
from lungct.readers.metaimage_header import read_header
from lungct.scan import HU_MIN
from lungct.slices import Slices
from lungct.working_grid import geometry_around
from phantom.order import Order, PhantomError
from phantom.writer import make_phantoms
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config

# Functions of `lungct.processing` that are timed, and what they do.
STAGES = {
    "read_labels": "labels",
    "find_region": "lung mask",
    "resample_region": "lung mask on the working grid",
    "resample": "HU on the working grid",
}
READ = "read, check, to HU"


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    try:
        config = load_config(given.config, output=str(given.folder / "out"))
        order = Order(max(given.scans), SEED, tuple(given.shape))
    except (ConfigError, PhantomError) as error:
        sys.exit(f"benchmarks.ingest: {error}")
    grid = config.grid
    root = given.folder / order.folder
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"working grid {grid.spacing_mm} mm (z, y, x), margin {grid.margin_mm} mm; ", end="")
    print(f"phantom scans of {given.shape} voxels\n", flush=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    make_phantoms(str(root), order)
    print_scans(scans_of(root)[: given.measured], grid, given.repeats)
    print_component(root, given.scans, config)


def print_scans(scans: tuple[FoundScan, ...], grid: Grid, repeats: int) -> None:
    """Prints for each scan the stages of its path, the floor, and the peak of memory."""
    for found in scans:
        peak = _peak_share(found, grid)
        target = _target(found, grid)
        rows = [(_stages(found, grid), _floor(found, *target)) for _ in range(repeats)]
        stages = {name: min(row[name] for row, _ in rows) for name in rows[0][0]}
        floor = {name: min(row[name] for _, row in rows) for name in rows[0][1]}
        ratios = sorted(row["all"] / sum(floor.values()) for row, floor in rows)
        print(f"scan {found.series_uid}, smallest of {repeats}, ms")
        for name, seconds in [*stages.items(), *((f"floor: {n}", s) for n, s in floor.items())]:
            print(f"  {name:<34}{1000 * seconds:8.0f}")
        ratio = stages["all"] / sum(floor.values())
        print(f"  all / floor: {ratio:.2f} (in turn, {ratios[0]:.2f} to {ratios[-1]:.2f})")
        print(f"  peak of memory / int16 volume: {peak:.2f}\n", flush=True)


def print_component(root: Path, counts: list[int], config: Config) -> None:
    """Prints the cost of CtExampleGen for several numbers of scans."""
    from pipeline.pipeline import create_ingest
    from runner.local_dag import NodeResult, ObservedDagRunner

    print("CtExampleGen, whole: with TFX, checksums, slices, compression and files")
    seconds = {}
    for count in counts:
        data = first_scans(root, count)
        output = data.with_suffix(".out")
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        roots = (config.data.root(str(data.absolute())),)
        told = {"data": replace(config.data, roots=roots), "output": str(output)}
        wanted = config.model_copy(update=told)
        done: list[NodeResult] = []
        ObservedDagRunner(lambda name: None, done.append).run(create_ingest(wanted))
        seconds[count] = done[0].seconds
        written = [path.stat().st_size for path in output.glob("artifacts/*/examples/*/Split-*/*")]
        print(
            f"  {count:3d} scans {seconds[count]:7.1f} s, {seconds[count] / count:6.2f} s a scan, "
            f"{sum(written) / count / 1e6:6.1f} MB of examples a scan, "
            f"peak of the process {done[0].peak_memory_mb:.0f} MiB",
            flush=True,
        )
        shutil.rmtree(output)
    _print_growth(seconds)


def _print_growth(seconds: dict[int, float]) -> None:
    """How the cost of a scan changes with their number."""
    counts = sorted(count for count in seconds if count >= 4)
    if len(counts) > 1:
        first, last = (seconds[count] / count for count in (counts[0], counts[-1]))
        print(f"  a scan among {counts[-1]} costs {last / first:.2f} of one among {counts[0]}")


def _stages(found: FoundScan, grid: Grid) -> dict[str, float]:
    """Seconds by stage of one scan, until every slice has been asked for."""
    spent: dict[str, float] = defaultdict(float)

    def timed_reader(layout: str) -> Reader:
        """The reader of a layout, timed."""
        reader = reader_of(layout)
        return replace(reader, read=_timed(reader.read, READ, spent))

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(processing, "reader_of", timed_reader))
        for name, label in STAGES.items():
            timed = _timed(getattr(processing, name), label, spent)
            stack.enter_context(mock.patch.object(processing, name, timed))
        start = time.perf_counter()
        _to_the_last_slice(found, grid)
        total = time.perf_counter() - start
    named = {label: spent[label] for label in (READ, *STAGES.values())}
    return {**named, "everything else": total - sum(named.values()), "all": total}


def slices_of(found: FoundScan, grid: Grid) -> Slices:
    """The slices of a scan, without checksums.

    Args:
        found: The scan, files on this machine.
        grid: The working grid.

    Returns:
        The slices, each made when it is asked for.

    Raises:
        ScanError: The scan can't be used.
    """
    return to_slices(prepare(found), grid)[1]


def _to_the_last_slice(found: FoundScan, grid: Grid) -> None:
    """Takes a scan along its path, until every slice has been asked for."""
    for _ in slices_of(found, grid):
        pass


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The function, which adds the seconds that it takes."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        """Calls and measures."""
        start = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            spent[name] += time.perf_counter() - start

    return call


def _target(found: FoundScan, grid: Grid) -> tuple[Geometry, Box]:
    """The working grid of a scan, and the box around its lungs."""
    prepared = prepare(found)
    box, extents = prepared.region.box, prepared.labels.extents
    return geometry_around(prepared.scan.geometry, box, grid, extents), box


def _floor(found: FoundScan, target: Geometry, box: Box) -> dict[str, float]:
    """Seconds of reading the raw file and of one resample."""
    known = read_header(found.files.path)
    start = time.perf_counter()
    voxels = np.fromfile(known.voxels_path, known.dtype).reshape(known.geometry.shape)
    read_s = time.perf_counter() - start
    part = known.geometry.crop(box)
    start = time.perf_counter()
    image = sitk.GetImageFromArray(voxels[box])
    image.SetOrigin(part.origin_mm)
    image.SetSpacing(part.spacing_mm)
    image.SetDirection(part.direction)
    grid = (target.shape[::-1], sitk.Transform(), sitk.sitkLinear, target.origin_mm)
    sitk.Resample(image, *grid, target.spacing_mm, target.direction, HU_MIN)
    return {"read": read_s, "resample": time.perf_counter() - start}


def _peak_share(found: FoundScan, grid: Grid) -> float:
    """Largest memory that a scan takes over what was held before, in units of its int16 voxels."""
    reset_peak_memory()
    before = memory_bytes("VmRSS")
    _to_the_last_slice(found, grid)
    peak = memory_bytes("VmHWM") - before
    return peak / (2 * float(np.prod(read_header(found.files.path).geometry.shape)))


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, nargs="+", default=[2, 4, 8, 16], metavar="N")
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--config", default="configs/luna16.yaml", help="default %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-ingest"))
    parser.add_argument(
        "--measured", type=whole_number, default=3, metavar="N", help="scans by stages"
    )
    parser.add_argument("--repeats", type=whole_number, default=5, metavar="N")
    return parser.parse_args()


if __name__ == "__main__":
    main()
