"""Our own kernels against the libraries': time, differences, and what a whole scan would cost.

Usage: python -m benchmarks.kernels [--shape 300 512 512 | --scan HEADER.mhd] [--rounds 7]

All ways of one comparison run in turn, round by round, in this process: on a shared machine only
ratios within a round can be compared. A row prints the smallest and the median time, and the median
over the rounds of its ratio to the first row.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
import tensorflow as tf

from components.ct_example_gen import conversion
from components.ct_example_gen.conversion import Rules, convert_scan
from components.ct_example_gen.inventory import ScanTask
from components.ct_example_gen.tfrecords import write_records
from lungct import preprocess, resample
from lungct.geometry import Geometry
from lungct.grid import GridConfig, geometry_around
from lungct.lung import airspace, ball
from lungct.lung import mask as lung_mask
from lungct.lung.mask import find_region, resample_region
from lungct.orientation import to_patient_axes
from lungct.readers.metaimage import read_scan
from lungct.readers.tables import read_annotations
from lungct.scan import HU_MIN, Nodule
from phantom import make_phantoms
from pipeline.loading import load_config

Mask = npt.NDArray[np.bool_]
Way = Callable[[], Any]
CONFIGS = ("configs/luna16.yaml", "configs/demo.yaml")
SEED = 3


def compare(title: str, ways: dict[str, Way], rounds: int) -> dict[str, Any]:
    """Prints the times of some ways to do the same; returns the result of each."""
    results: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results.pop(name, None)
            start = time.perf_counter()
            results[name] = way()
            seconds[name].append(time.perf_counter() - start)
    first = next(iter(seconds.values()))
    print(f"{title}, {rounds} rounds", flush=True)
    print(f"  {'':<42}{'min ms':>8}{'median':>8}{'ratio':>8}")
    for name, spent in seconds.items():
        ratio = statistics.median(own / base for own, base in zip(spent, first, strict=True))
        least, middle = 1000 * min(spent), 1000 * statistics.median(spent)
        print(f"  {name:<42}{least:8.0f}{middle:8.0f}{ratio:8.2f}")
    return results


def itk_resample(
    volume: npt.NDArray[Any],
    source: Geometry,
    target: Geometry,
    interpolation: resample.Interpolation = "linear",
    outside: int = 0,
) -> npt.NDArray[Any]:
    """`lungct.resample.resample` by SimpleITK on grids of any direction."""
    linear = interpolation == "linear"
    shrink = resample._shrink_factors(source, target) if linear else (1, 1, 1)
    grids = (source, target)
    return resample._resample_oblique(volume, grids, shrink, interpolation, outside)


def itk_dilate(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.dilate` by SimpleITK's filter."""
    return _array(sitk.BinaryDilate(_image(mask), radius[::-1], sitk.sitkBall))


def itk_erode(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.erode` by SimpleITK's filter."""
    return _array(sitk.BinaryErode(_image(mask), radius[::-1], sitk.sitkBall, 0.0, 1.0, True))


def itk_close(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.close` by SimpleITK's filter."""
    image = _image(mask)
    return _array(sitk.BinaryMorphologicalClosing(image, radius[::-1], sitk.sitkBall, 1.0, True))


def map_dilate(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.dilate` by a distance map in units of the ball's radii."""
    image = _image(mask)
    image.SetSpacing([1 / (voxels + 0.5) for voxels in radius[::-1]])
    squared = sitk.SignedMaurerDistanceMap(image, False, True, True)
    return np.asarray(sitk.GetArrayViewFromImage(squared) <= 1 + 1e-5)


def map_erode(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.erode` by a distance map."""
    return ~map_dilate(~mask, radius)


def map_close(mask: Mask, radius: ball.Radius) -> Mask:
    """`lungct.lung.ball.close` by distance maps."""
    padded = np.pad(mask, [(reach, reach) for reach in radius])
    inner = tuple(
        slice(reach, reach + size) for reach, size in zip(radius, mask.shape, strict=True)
    )
    return map_erode(map_dilate(padded, radius), radius)[inner]


BALLS: dict[str, dict[str, Callable[[Mask, ball.Radius], Mask]]] = {
    "ball.py": {"dilate": ball.dilate, "erode": ball.erode, "close": ball.close},
    "SimpleITK ball": {"dilate": itk_dilate, "erode": itk_erode, "close": itk_close},
    "SimpleITK distance": {"dilate": map_dilate, "erode": map_erode, "close": map_close},
}


def tensorflow_records(path: str, records: Iterable[bytes], kind: str = "GZIP") -> int:
    """`write_records` by TensorFlow, without what makes a file whole or absent."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type=kind, compression_level=1)
    count = 0
    with tf.io.TFRecordWriter(path, options) as writer:
        for record in records:
            writer.write(record)
            count += 1
    return count


@contextmanager
def patched(module: Any, functions: dict[str, Callable[..., Any]]) -> Iterator[None]:
    """Some functions of a module replaced."""
    with ExitStack() as stack:
        for name, function in functions.items():
            stack.enter_context(mock.patch.object(module, name, function))
        yield


def compare_resampling(task: ScanTask, grid: GridConfig, rounds: int) -> None:
    """HU of a scan to its working grid."""
    scan = read_scan(task.header)
    hu, source = to_patient_axes(scan.hu, scan.geometry)
    region = find_region(hu, source)
    target = geometry_around(source, region.box, grid, task.nodules)
    ways = {
        "resample.py": lambda: resample.resample(hu, source, target, "linear", HU_MIN),
        "SimpleITK": lambda: itk_resample(hu, source, target, "linear", HU_MIN),
    }
    found = compare(f"resample {hu.shape} to {target.shape}, {grid.spacing_mm} mm", ways, rounds)
    _print_differences(found, "HU")

    def lungs(own: Callable[..., Any]) -> Mask:
        """The lung mask on the working grid."""
        with patched(lung_mask, {"resample": own}):
            return resample_region(region, source, target).mask

    ways = {
        "resample.py": lambda: lungs(resample.resample),
        "SimpleITK": lambda: lungs(itk_resample),
    }
    _print_differences(compare("resample the lung mask, nearest", ways, rounds), "")


def compare_balls(task: ScanTask, rounds: int) -> None:
    """Morphology of the coarse grid of one scan's lung mask, and the mask that comes of it."""
    scan = read_scan(task.header)
    hu, geometry = to_patient_axes(scan.hu, scan.geometry)
    calls: list[tuple[str, Mask, ball.Radius]] = []

    def recorded(name: str) -> Callable[[Mask, ball.Radius], Mask]:
        """One of the kernels, which keeps what it is called with."""

        def call(mask: Mask, radius: ball.Radius) -> Mask:
            """Keeps and calls."""
            calls.append((name, mask, radius))
            return BALLS["ball.py"][name](mask, radius)

        return call

    with patched(airspace, {name: recorded(name) for name in BALLS["ball.py"]}):
        find_region(hu, geometry)
    for name, mask, radius in calls:
        ways = {
            library: lambda own=own, mask=mask, radius=radius: own[name](mask, radius)  # noqa: B023
            for library, own in BALLS.items()
        }
        _print_differences(compare(f"{name} {mask.shape} by {radius}", ways, rounds), "")

    def region(own: dict[str, Callable[..., Any]]) -> Any:
        """The final mask."""
        with patched(airspace, own):
            return find_region(hu, geometry).mask

    ways = {name: lambda own=own: region(own) for name, own in BALLS.items()}
    _print_differences(compare("lung mask of the scan, whole", ways, rounds), "")


def compare_writers(task: ScanTask, grid: GridConfig, folder: Path, rounds: int) -> None:
    """The examples of one scan written to disk."""
    kept: list[bytes] = []

    def keep(path: str, records: Iterable[bytes]) -> int:
        """Holds the records."""
        kept.extend(records)
        return len(kept)

    with patched(conversion, {"write_records": keep}):
        convert_scan(task, str(folder), Rules(grid))
    paths = {name: str(folder / "split" / name) for name in ("ours.gz", "tf.gz", "tf.zlib")}
    ways = {
        "tfrecords.py": lambda: write_records(paths["ours.gz"], kept),
        "TFRecordWriter GZIP 1": lambda: tensorflow_records(paths["tf.gz"], kept),
        "TFRecordWriter ZLIB 1": lambda: tensorflow_records(paths["tf.zlib"], kept, "ZLIB"),
    }
    compare(f"{len(kept)} records of {sum(map(len, kept)) / 1e6:.0f} MB", ways, rounds)
    for name, path in paths.items():
        print(f"  {name}: {os.path.getsize(path) / 1e6:.1f} MB")
    first = Path(paths["tf.gz"]).read_bytes()
    tensorflow_records(paths["tf.gz"], kept)
    print(f"  TFRecordWriter GZIP twice, same bytes: {first == Path(paths['tf.gz']).read_bytes()}")


def compare_whole(task: ScanTask, grid: GridConfig, folder: Path, rounds: int) -> None:
    """One scan from header path to examples on disk, each kernel in turn by the library."""

    def whole(*replaced: tuple[Any, dict[str, Callable[..., Any]]]) -> None:
        """Converts the scan, with these functions of these modules."""
        with ExitStack() as stack:
            for module, functions in replaced:
                stack.enter_context(patched(module, functions))
            record = convert_scan(task, str(folder / "whole"), Rules(grid))
        if record["outcome"] == preprocess.QUARANTINED:
            raise ValueError(f"expected a scan that can be used, got {record['reason']}")

    ways = {
        "ours": whole,
        "resampling by SimpleITK": lambda: whole(
            (preprocess, {"resample": itk_resample}), (lung_mask, {"resample": itk_resample})
        ),
        "ball by SimpleITK": lambda: whole((airspace, BALLS["SimpleITK ball"])),
        "ball by distance": lambda: whole((airspace, BALLS["SimpleITK distance"])),
        "writing by TensorFlow": lambda: whole((conversion, {"write_records": tensorflow_records})),
    }
    compare(f"whole scan to {grid.spacing_mm} mm, header to disk", ways, rounds)


def _print_differences(found: dict[str, Any], unit: str) -> None:
    """How far each result is from the first."""
    first, *others = found
    for name in others:
        apart = np.abs(found[name].astype(np.int32) - found[first].astype(np.int32))
        print(f"  {name}: {np.count_nonzero(apart)} of {apart.size} voxels differ", end="")
        print(f", by {apart.max()} {unit} at most")


def _image(mask: Mask) -> Any:
    return sitk.GetImageFromArray(mask.view(np.uint8))


def _array(image: Any) -> Mask:
    return np.asarray(sitk.GetArrayFromImage(image)).view(np.bool_)


def _task(header: Path) -> ScanTask:
    tables = [path for path in header.parent.parent.glob("annotations.csv")]
    found = read_annotations(str(tables[0])).by_series.get(header.stem, ()) if tables else ()
    nodules: tuple[Nodule, ...] = tuple(found)
    return ScanTask(str(header), header.stem, "patient", "train", nodules)


def main() -> None:
    """Prints all comparisons."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", type=int, nargs=3, default=[300, 512, 512], metavar="N")
    parser.add_argument("--scan", type=Path, metavar="HEADER.mhd")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        if given.scan is None:
            make_phantoms(str(folder / "phantom"), 1, SEED, tuple(given.shape))
            given.scan = next(folder.glob("phantom/subset*/*.mhd"))
        task = _task(given.scan)
        compare_balls(task, given.rounds)
        for config in CONFIGS:
            grid = GridConfig(**load_config(config, output=name).grid.model_dump())
            compare_resampling(task, grid, given.rounds)
            compare_writers(task, grid, folder, given.rounds)
            compare_whole(task, grid, folder, given.rounds)


if __name__ == "__main__":
    sys.exit(main())
