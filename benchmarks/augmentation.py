"""Cost of augmentation: what each kind of it takes a batch, and all together from training.

Usage: python -m benchmarks.augmentation [--config FILE] [--rounds N] [--batches N]

Batches of crops are cut, normalised and augmented as for training, all slices in memory; with what
the defaults turn on, and with one kind more. Then the training step is timed with the defaults and
with all kinds, in turn, on batches that are made while it runs.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.machine import processor, whole_number
from benchmarks.training_input import read_settings, source_of, write_split
from models.dataset import CropSource, batches_of
from models.trainer import compiled_model

SETTLING = 10  # batches before those that are timed; fewer are made ahead
SCANS, SHAPE = 4, (24, 130, 190)
# Amounts do not change the cost, only whether there are any.
KINDS: dict[str, dict[str, float]] = {
    "flip_slices": {"flip_slices": True},
    "zoom": {"zoom": 0.2},
    "turn_degrees": {"turn_degrees": 10.0},
    "elastic_pixels": {"elastic_pixels": 2.0},
    "these three": {"zoom": 0.2, "turn_degrees": 10.0, "elastic_pixels": 2.0},
    "thickness": {"thickness": 0.5},
    "blur_pixels": {"blur_pixels": 0.5},
    "bend": {"bend": 0.3},
    "noise_grain_pixels": {"noise_grain_pixels": 1.0},
}
ALL = {name: amount for kind in KINDS.values() for name, amount in kind.items()}


def main() -> None:
    """Prints all figures."""
    given = _arguments()
    settings = read_settings(given.config)
    training = settings.training
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"batches of {training.batch_size} crops of {training.crop_size} pixels, ", end="")
    print(f"{settings.grid.channels} channels\n", flush=True)
    source = source_of(write_split(given.folder, SCANS, SHAPE, settings), 10**9)
    print_kinds(source, given.batches, given.rounds)
    print_training(source, given.batches, given.rounds)


def print_kinds(source: CropSource, batches: int, rounds: int) -> None:
    """Prints what a batch costs with the defaults, and how much more with each kind."""
    kinds = {"defaults": {}, **KINDS, "all": ALL}
    inputs = {name: _batches(source, **kind) for name, kind in kinds.items()}
    costs: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(rounds):
        for name, iterator in inputs.items():
            costs[name].append(_core_ms(iterator, batches))
    print(f"core-ms a batch, median of {rounds} rounds of {batches} batches")
    for name, values in costs.items():
        more = [a - b for a, b in zip(values, costs["defaults"], strict=True)]
        print(f"  {name:<20}{statistics.median(values):8.2f}", end="")
        print(f", to the defaults {statistics.median(more):+.2f}", flush=True)


def print_training(source: CropSource, batches: int, rounds: int) -> None:
    """Prints the cost of a training step with the defaults, and with all kinds."""
    model = compiled_model(source.split.settings)
    inputs = {"defaults": _batches(source), "all": _batches(source, **ALL)}
    costs: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(rounds):
        for name, iterator in inputs.items():
            costs[name].append(_core_ms(iterator, batches, model.train_on_batch))
    print(f"core-ms a training step with its batch, median of {rounds} rounds of {batches} steps")
    for name, values in costs.items():
        ratios = sorted(a / b for a, b in zip(values, costs["defaults"], strict=True))
        print(
            f"  {name:<20}{statistics.median(values):8.1f}, to the defaults "
            f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


def _batches(source: CropSource, **amounts: float) -> Iterator[Any]:
    """Batches of the same slices with other augmentation."""
    settings = source.split.settings
    augmentation = replace(settings.training.augmentation, **amounts)  # type: ignore[arg-type]
    training = replace(settings.training, augmentation=augmentation)
    split = replace(source.split, settings=replace(settings, training=training))
    return iter(batches_of(source_of(split, training.cache_bytes)))


def _core_ms(
    iterator: Iterator[Any], batches: int, use: Callable[[Any, Any], Any] | None = None
) -> float:
    """Time of all cores for a batch; what other inputs had prepared before is used up first.

    Of cores, not of a clock: on a shared machine others' work adds to that.
    """
    begin = 0.0
    for number, (image, truth) in enumerate(islice(iterator, SETTLING + batches)):
        if number == SETTLING:
            begin = time.process_time()
        if use is not None:
            use(image, truth)
    return 1000 * (time.process_time() - begin) / batches


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", default="configs/demo.yaml", help="default %(default)s")
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-augmentation"))
    parser.add_argument(
        "--batches", type=whole_number, default=40, metavar="N", help="timed in each round"
    )
    parser.add_argument("--rounds", type=whole_number, default=7, metavar="N")
    return parser.parse_args()


if __name__ == "__main__":
    main()
