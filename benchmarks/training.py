"""Images a second of training with the product's input, beside the same step in memory.

Usage: python -m benchmarks.training [--scans 16] [--shape 60 130 190] [--config FILE]

The scans are those of `benchmarks.training_input`. The training step of the configuration, on the
GPU where there is one, is timed on one batch that stays in memory, and with the input that has all
pixels in memory and that which has a tenth of them, in turn, as other processes of a shared machine
slow down all of them alike. A share of 1 says that training never waits for its input.
"""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

from benchmarks.training_input import made_sources, parse_arguments
from models.dataset import CropSource, batches_of
from models.precision import list_gpus
from models.trainer import compiled_model

ONE_BATCH = "one batch"
# Steps before those that are timed: they compile, and empty what was read ahead while the other
# inputs were timed.
SETTLING_STEPS = 10


@dataclass(frozen=True)
class Speed:
    """How fast training is with one input.

    Attributes:
        name: Of the input.
        images_a_second: Median of the rounds.
        shares: Of the rate on one batch in memory, by round, the lowest first.
    """

    name: str
    images_a_second: float
    shares: tuple[float, ...]


def main() -> None:
    """Prints all figures."""
    given = parse_arguments(__doc__ or "")
    sources = made_sources(given)
    print(f"{len(list_gpus())} GPUs; {given.rounds} rounds of {given.batches} steps", flush=True)
    for one in measured(sources, given.batches, given.rounds):
        share, lowest, highest = statistics.median(one.shares), one.shares[0], one.shares[-1]
        print(
            f"  {one.name:<20}{one.images_a_second:9.1f} images/s, {share:.3f} of those on one "
            f"batch ({lowest:.3f} to {highest:.3f})"
        )


def measured(sources: Mapping[str, CropSource], steps: int, rounds: int) -> list[Speed]:
    """Times the training step on one batch in memory and with each input.

    Args:
        sources: Inputs by name, of one configuration.
        steps: Timed in each round.
        rounds: In each of which all inputs are timed.

    Returns:
        The speeds, that on one batch first.
    """
    first, *_ = sources.values()
    model = compiled_model(first.split.settings)
    inputs: dict[str, Iterator[Any]] = {ONE_BATCH: repeat(next(iter(batches_of(first))))}
    inputs.update((name, iter(batches_of(source))) for name, source in sources.items())
    seconds: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(rounds):
        for name, iterator in inputs.items():
            seconds[name].append(_seconds_a_step(model, iterator, steps))
    batch = first.split.settings.training.batch_size
    return [
        Speed(name, batch / statistics.median(values), _shares(seconds[ONE_BATCH], values))
        for name, values in seconds.items()
    ]


def _shares(of_one_batch: list[float], values: list[float]) -> tuple[float, ...]:
    """Rate with an input over the rate on one batch, round by round."""
    return tuple(sorted(a / b for a, b in zip(of_one_batch, values, strict=True)))


def _seconds_a_step(model: Any, iterator: Iterator[Any], steps: int) -> float:
    """Time of one training step, the reading of its batch included."""
    for image, truth in islice(iterator, SETTLING_STEPS):
        model.train_on_batch(image, truth)
    start = time.perf_counter()
    for image, truth in islice(iterator, steps):
        model.train_on_batch(image, truth)
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main()
