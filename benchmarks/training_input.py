"""Cost of training data: crops a second of the input alone.

Usage: python -m benchmarks.training_input [--scans 16] [--shape 60 130 190] [--config FILE]

The scans are noise with balls, written as CtExampleGen leaves them. The input is measured with all
pixels in memory and with a tenth of them, in turn, as other processes of a shared machine slow
down both alike. What it takes from training is measured by `benchmarks.training`.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import yaml

from benchmarks.machine import processor, whole_number
from models.dataset import CropSource, batches_of
from models.holdout import Holdout
from models.split import TrainingSplit, read_split
from models.visits import lanes
from schema import features
from schema.custom_config import parse
from schema.hyperparameters import Hyperparameters, Intensity
from schema.slices import IndexRow
from tests.made_scans import MadeScan, write_scan

RADII = (2.5, 4.0, 4.0)  # of a nodule, in voxels (z, y, x)
DIAMETER_MM = 12.0
NODULES = 2  # in each scan
IN_MEMORY, A_TENTH = "all in memory", "a tenth in memory"
# Batches before those that are timed: they empty what was read ahead, and meanwhile the other
# inputs, which were used before, have read ahead what they may.
SETTLING = 40
SEED = 3


@dataclass
class InputCost:
    """What batches cost, over all rounds; seconds by round."""

    seconds: list[float] = field(default_factory=list)
    batches: int = 0
    cpu_seconds: float = 0.0
    slices_read: int = 0

    def measure(self, iterator: Iterator[Any], source: CropSource, batches: int) -> None:
        """Adds a round."""
        _exhaust(islice(iterator, SETTLING))
        read, cpu, start = source.cache.slices_read, time.process_time(), time.perf_counter()
        _exhaust(islice(iterator, batches))
        self.seconds.append(time.perf_counter() - start)
        self.cpu_seconds += time.process_time() - cpu
        self.slices_read += source.cache.slices_read - read
        self.batches += batches


def main() -> None:
    """Prints all figures."""
    given = parse_arguments(__doc__ or "")
    sources = made_sources(given)
    print(f"scans in a batch: at least {fewest_scans(sources[IN_MEMORY])}")
    print_input(sources, given.batches, given.rounds)


def made_sources(given: argparse.Namespace) -> dict[str, CropSource]:
    """Writes the scans, says what they are, and gives the sources by name, IN_MEMORY the first.

    Args:
        given: By `parse_arguments`.
    """
    settings = read_settings(given.config)
    training = settings.training
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{given.scans} scans of {given.shape} voxels; batches of {training.batch_size} ", end="")
    print(f"crops of {training.crop_size} pixels, {settings.grid.channels} channels\n", flush=True)
    split = write_split(given.folder, given.scans, tuple(given.shape), settings)
    pixels = sum(row.hu_bytes for row in split.index)
    return {IN_MEMORY: source_of(split, pixels), A_TENTH: source_of(split, pixels // 10)}


def read_settings(path: str) -> Hyperparameters:
    """The hyperparameters of a configuration file."""
    config = yaml.safe_load(Path(path).read_text())
    return parse({"intensity": asdict(Intensity()), **config})


def write_split(
    folder: Path, scans: int, shape: tuple[int, ...], settings: Hyperparameters
) -> TrainingSplit:
    """Writes scans of noise with balls, where they are not there yet, and reads their index."""
    examples = folder / "-".join(map(str, ("scans", scans, *shape)))
    done = examples / "done"
    if not done.exists():
        for number in range(scans):
            write_scan(examples, _scan(number, shape))
        done.touch()
    names = (features.SPLIT_TRAIN, features.index_split(features.SPLIT_TRAIN))
    return read_split([f"{examples}/Split-{name}/*" for name in names], _window, settings)


def source_of(split: TrainingSplit, cache_bytes: int) -> CropSource:
    """A source that has filled its memory."""
    training = replace(split.settings.training, cache_bytes=cache_bytes)
    settings = replace(split.settings, training=training)
    source = CropSource(replace(split, settings=settings), Holdout())
    scans: dict[str, list[IndexRow]] = {}
    for row in split.index:
        scans.setdefault(row.series_uid, []).append(row)
    for run in scans.values():
        source.cache.read(run)
    return source


def fewest_scans(source: CropSource) -> int:
    """The smallest number of scans in a batch of five epochs."""
    visit_of, _ = lanes(source.split.settings.training)
    return min(
        len({visits[number].run[0].series_uid for number in batch})
        for visits in map(source.plan.epoch, range(5))
        for batch in visit_of
    )


def print_input(sources: dict[str, CropSource], batches: int, rounds: int) -> None:
    """Prints the cost of each input alone, measured in turn, and its rate to that of the first."""
    inputs = {name: iter(batches_of(source)) for name, source in sources.items()}
    costs = {name: InputCost() for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            costs[name].measure(inputs[name], source, batches)
    first, *_ = costs.values()
    for name, cost in costs.items():
        crops = cost.batches * sources[name].split.settings.training.batch_size
        rates = sorted(a / b for a, b in zip(first.seconds, cost.seconds, strict=True))
        print(
            f"input, {name}: {crops / sum(cost.seconds):.0f} crops/s, "
            f"{1000 * cost.cpu_seconds / crops:.3f} core-ms a crop, "
            f"{cost.slices_read / crops:.2f} slices read a crop; rate to the first "
            f"{statistics.median(rates):.2f} ({rates[0]:.2f} to {rates[-1]:.2f})",
            flush=True,
        )


def _exhaust(iterator: Iterator[Any]) -> None:
    for _ in iterator:
        pass


def _scan(number: int, shape: tuple[int, ...]) -> MadeScan:
    """Noise with balls, all of it in the region."""
    random = np.random.default_rng([SEED, number])
    hu = random.normal(-800, 60, shape)
    coverage = np.zeros(shape, np.uint8)
    nodules = []
    for ball in range(NODULES):
        centre = [int(random.integers(size)) for size in shape]
        axes = [
            ((np.arange(size) - middle) / radius) ** 2
            for size, middle, radius in zip(shape, centre, RADII, strict=True)
        ]
        inside = axes[0][:, None, None] + axes[1][:, None] + axes[2] <= 1
        coverage[inside] = 255
        cut = tuple(int(z) for z in np.flatnonzero(inside.any(axis=(1, 2))))
        nodules.append((f"{number}-{ball}", DIAMETER_MM, cut))
    hu[coverage > 0] += 800
    return MadeScan(f"scan-{number:04d}", hu.astype(np.int16), coverage, tuple(nodules))


def _window(raw: dict[str, Any]) -> dict[str, Any]:
    """Does what the transform graph does, with mean and deviation of its own."""
    low, high = Intensity().window_hu
    parts = (tf.clip_by_value(raw[features.HU], low, high) - low) / (high - low)
    return {features.IMAGE: (parts - 0.1) / 0.2}


def parse_arguments(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line of the benchmarks of training.

    Args:
        description: Docstring of the benchmark.
        argv: What was given; None for the process's own.
    """
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--scans", type=whole_number, default=16, metavar="N")
    parser.add_argument("--shape", type=whole_number, nargs=3, default=[60, 130, 190], metavar="N")
    parser.add_argument("--config", default="configs/demo.yaml", help="default %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-training-input"))
    parser.add_argument(
        "--batches", type=whole_number, default=60, metavar="N", help="timed in each round"
    )
    parser.add_argument("--rounds", type=whole_number, default=5, metavar="N")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
