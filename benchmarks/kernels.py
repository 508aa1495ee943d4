"""Our own kernels beside the libraries': time, differences, and what a whole scan would cost.

Usage: python -m benchmarks.kernels [--shape 300 512 512 | --scan HEADER.mhd] [--rounds 5]

All ways of one comparison run in turn, round by round, in this process, because on a shared machine
only times of one round can be compared. A line has the smallest and the median time, and the median
over the rounds of the ratio to the first line.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from benchmarks import library_ways
from benchmarks.ingest import slices_of
from benchmarks.library_ways import BALLS, BallWay, Mask
from benchmarks.machine import whole_number
from benchmarks.phantom_scans import phantom_headers
from components.ct_example_gen.conversion import ConvertScan
from components.ct_example_gen.request import ScanTask
from lungct import processing
from lungct import region as region_module
from lungct.grid import Grid
from lungct.inventory import FoundScan, take_inventory
from lungct.limits import LUNG
from lungct.lung import airspace, plausible
from lungct.lung.ball import Radius
from lungct.orientation import to_patient_axes
from lungct.readers.metaimage import read_scan
from lungct.readers.names import ANNOTATIONS_TABLE
from lungct.region import find_region, resample_region
from lungct.resample import resample
from lungct.roots import DataRoot
from lungct.scan import HU_MIN, Scan
from lungct.working_grid import geometry_around
from pipeline.config import Config
from pipeline.loading import load_config
from schema.features import index_split

Functions = dict[str, Callable[..., Any]]
Replaced = tuple[tuple[Any, Functions], ...]

CONFIGS = ("configs/luna16.yaml", "configs/demo.yaml")
SPLIT = "train"


def with_balls(balls: Functions) -> Replaced:
    """The modules that use `lungct.lung.ball`, and the functions that take its place in them."""
    return ((airspace, balls), (plausible, {"dilate": balls["dilate"]}))


# Modules, and the functions in them that the libraries' ways take the place of.
REPLACED: dict[str, Replaced] = {
    "ours": (),
    "resampling by SimpleITK": (
        (processing, {"resample": library_ways.resampled}),
        (region_module, {"resample": library_ways.resampled}),
    ),
    "balls by SimpleITK's filters": with_balls(BALLS["SimpleITK's filters"]),
    "balls by SimpleITK's distances": with_balls(BALLS["SimpleITK's distances"]),
}


def compare(title: str, ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Any]:
    """Prints the times of several ways to do the same; returns the last result of each."""
    results: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results.pop(name, None)
            start = time.perf_counter()
            results[name] = way()
            seconds[name].append(time.perf_counter() - start)
    first = next(iter(seconds.values()))
    print(f"{title}, {rounds} rounds\n  {'':<34}{'min ms':>8}{'median':>8}{'ratio':>8}")
    for name, spent in seconds.items():
        ratio = statistics.median(own / base for own, base in zip(spent, first, strict=True))
        least, middle = 1000 * min(spent), 1000 * statistics.median(spent)
        print(f"  {name:<34}{least:8.0f}{middle:8.0f}{ratio:8.2f}", flush=True)
    return results


def print_differences(found: dict[str, npt.NDArray[Any]], unit: str = "") -> None:
    """Prints how far each result is from the first."""
    (_, first), *others = found.items()
    for name, result in others:
        apart = np.abs(result.astype(np.int32) - first.astype(np.int32))
        voxels = f"{np.count_nonzero(apart)} of {apart.size} voxels differ"
        print(f"  {name}: {voxels}, by at most {apart.max()}{unit}", flush=True)


@contextmanager
def replaced(functions: Replaced) -> Iterator[None]:
    """Functions of modules replaced by others."""
    with ExitStack() as stack:
        for module, others in functions:
            for name, other in others.items():
                stack.enter_context(mock.patch.object(module, name, other))
        yield


def compare_balls(scan: Scan, rounds: int) -> None:
    """Morphology on the coarse grid of the lung mask, and the mask that it gives."""

    def mask(balls: Functions) -> Mask:
        """The lung mask."""
        with replaced(with_balls(balls)):
            return find_region(LUNG, scan.hu, scan.geometry).mask

    for name, coarse, radius in _ball_calls(mask):
        title = f"{name} {coarse.shape} by {radius}"
        print_differences(compare(title, _ball_ways(name, coarse, radius), rounds))
    ways = {name: lambda balls=balls: mask(balls) for name, balls in BALLS.items()}
    print_differences(compare("lung mask of the scan", ways, rounds))


def _ball_calls(mask: Callable[[Functions], Mask]) -> list[tuple[str, Mask, Radius]]:
    """Names and arguments of all calls while a lung mask is made."""
    calls: list[tuple[str, Mask, Radius]] = []

    def recorded(name: str, own: BallWay) -> BallWay:
        """A function that keeps its arguments."""

        def call(coarse: Mask, radius: Radius) -> Mask:
            """Keeps them and calls."""
            calls.append((name, coarse, radius))
            return own(coarse, radius)

        return call

    mask({name: recorded(name, own) for name, own in BALLS["ball.py"].items()})
    return calls


def _ball_ways(name: str, coarse: Mask, radius: Radius) -> dict[str, Callable[[], Mask]]:
    """One call of each library."""
    return {
        library: lambda balls=balls: balls[name](coarse, radius) for library, balls in BALLS.items()
    }


def compare_resampling(scan: Scan, found: FoundScan, grid: Grid, rounds: int) -> None:
    """HU and lung mask of a scan on its working grid."""
    region = find_region(LUNG, scan.hu, scan.geometry)
    target = geometry_around(scan.geometry, region.box, grid, found.truth.nodules)

    def lungs(own: Callable[..., Any]) -> Mask:
        """The lung mask on the working grid."""
        with replaced(((region_module, {"resample": own}),)):
            return resample_region(region, scan.geometry, target).mask

    both = {"resample.py": resample, "SimpleITK": library_ways.resampled}
    grids = (scan.geometry, target)
    ways = {
        name: lambda own=own: own(scan.hu, *grids, "linear", HU_MIN) for name, own in both.items()
    }
    title = f"HU {scan.hu.shape} to {target.shape} of {grid.spacing_mm} mm"
    print_differences(compare(title, ways, rounds), " HU")
    ways = {name: lambda own=own: lungs(own) for name, own in both.items()}
    print_differences(compare("lung mask, nearest voxels", ways, rounds))


def compare_whole(found: FoundScan, config: Config, folder: Path, rounds: int) -> None:
    """A whole scan, with one kernel after the other replaced."""
    grid = config.grid
    folders = {name: str(folder / name) for name in (SPLIT, index_split(SPLIT))}
    convert = ConvertScan(folders, grid, config.intensity, total=1)

    def in_memory(functions: Replaced) -> None:
        """From the header path to all slices."""
        with replaced(functions):
            list(slices_of(found, grid))

    def on_disk(functions: Replaced) -> None:
        """From the header path to its files of examples."""
        with replaced(functions):
            (record,) = convert.process(ScanTask(found, SPLIT))
        if not record.used:
            raise ValueError(f"expected a scan that can be used, got {record.reason}")

    ways = {name: lambda own=own: in_memory(own) for name, own in REPLACED.items()}
    compare(f"whole scan to {grid.spacing_mm} mm, header path to slices in memory", ways, rounds)
    ways = {name: lambda own=own: on_disk(own) for name, own in REPLACED.items()}
    compare(f"whole scan to {grid.spacing_mm} mm, header path to disk", ways, rounds)


def main() -> None:
    """Prints all comparisons."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--scan", type=Path, metavar="HEADER.mhd")
    parser.add_argument("--rounds", type=whole_number, default=5, metavar="N")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-kernels"))
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    configs = [load_config(path, output=str(given.folder)) for path in CONFIGS]
    found = found_scan(given.scan or Path(phantom_headers(given.folder, 1, given.shape)[0]))
    stored = read_scan(found.files.path)
    scan = Scan(stored.series_uid, *to_patient_axes(stored.hu, stored.geometry))
    compare_balls(scan, given.rounds)
    for config in configs:
        compare_resampling(scan, found, config.grid, given.rounds)
        compare_whole(found, config, given.folder / "whole", given.rounds)


def found_scan(header: Path) -> FoundScan:
    """One scan by its header, with its annotated nodules where there is a table.

    Args:
        header: `.mhd` or `.mha`; the table is `annotations.csv` one folder above.

    Returns:
        The scan.

    Raises:
        ValueError: There is no such scan, or a table can't be trusted.
    """
    table = header.parent.parent / ANNOTATIONS_TABLE
    tables = [str(table)] if table.is_file() else []
    inventory = take_inventory([DataRoot(str(header.parent), layout="luna16")], annotations=tables)
    for found in inventory.scans:
        if Path(found.files.path) == header:
            return found
    raise ValueError(f"expected the header of a scan, got {header}")


if __name__ == "__main__":
    main()
