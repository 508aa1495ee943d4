"""Training batches: crops drawn visit by visit, cut in threads, normalised and augmented."""

import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.augmentation import turn, vary_intensity
from models.crops import choose_pixel, cut_with_context, place_crop
from models.holdout import Holdout, is_held_out
from models.preprocessing import normalise, units_per_hu
from models.slice_cache import SliceCache
from models.split import TrainingSplit
from models.visits import Kind, Visit, VisitPlan, crops_in_order, visits_needed
from schema.hyperparameters import Hyperparameters
from schema.slices import IndexRow

# Visits that are cut ahead of the batch that needs them, in batches.
_BATCHES_AHEAD = 2
_LOG = logging.getLogger(__name__)

_Crop = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class RawBatch:
    """Crops before they are normalised.

    Attributes:
        hu: (batch, size, size, channels) int16.
        coverage: (batch, size, size) uint8.
        number: Number of the batch since the first epoch; seeds its variation.
        series: Series of each crop.
    """

    hu: npt.NDArray[np.int16]
    coverage: npt.NDArray[np.uint8]
    number: int
    series: tuple[str, ...]


def training_batches(
    split: TrainingSplit, holdout: Holdout, first_epoch: int = 0
) -> tf.data.Dataset:
    """Endless batches of augmented crops from the slices that are not held out.

    Args:
        split: The train split.
        holdout: What training must not see.
        first_epoch: The epoch to begin with, from 0; what an epoch draws depends on its number and
            the seed alone.

    Returns:
        (image, truth): float32 (batch, crop, crop, C) and (batch, crop, crop, 1). A share of
        `nodule_fraction` of the crops is cut near a nodule, the others anywhere in the region.

    Raises:
        ValueError: No slice with a nodule is left for training.
    """
    settings, training = split.settings, split.settings.training
    source = CropSource(split, holdout)
    size, channels = training.crop_size, settings.grid.channels
    units = units_per_hu(split.transform, settings.intensity)

    def generate() -> Iterator[tuple[object, ...]]:
        """The raw batches of all epochs."""
        for raw in source.batches(first_epoch):
            yield raw.hu, raw.coverage, np.int64(raw.number)

    def finish(hu: object, coverage: object, number: object) -> tuple[object, object]:
        """Normalises and varies a batch."""
        seed = tf.stack([tf.constant(training.seed, tf.int64), number])
        image = normalise(split.transform, hu)
        image = vary_intensity(image, training.augmentation, units, seed)
        return image, tf.cast(coverage, tf.float32)[..., None] / 255.0

    shape = (training.batch_size, size, size)
    signature = (
        tf.TensorSpec((*shape, channels), tf.int16),
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec((), tf.int64),
    )
    raw = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return raw.map(finish, num_parallel_calls=1).prefetch(_BATCHES_AHEAD)


class CropSource:
    """The raw crops of every epoch, cut in as many threads as there are cores.

    Attributes:
        cache: Where the slices come from.
    """

    def __init__(self, split: TrainingSplit, holdout: Holdout) -> None:
        """Plans the visits, and logs what fits into memory.

        Args:
            split: The train split.
            holdout: What training must not see.

        Raises:
            ValueError: No slice with a nodule is left for training.
        """
        settings = split.settings
        rows = [row for row in split.index if not is_held_out(row, holdout)]
        self._settings = settings
        self._plan = VisitPlan(rows, settings.training, settings.grid.context)
        self.cache = SliceCache(split.folder, settings.training.cache_bytes)
        _log_memory(rows, settings.training.cache_bytes)

    def batches(self, first_epoch: int) -> Iterator[RawBatch]:
        """Endless batches.

        Args:
            first_epoch: The epoch to begin with, from 0.

        Yields:
            The batches in their order.

        Raises:
            ValueError: A scan can't be read where the index says.
        """
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                for epoch in itertools.count(first_epoch):
                    yield from self._epoch(epoch, pool)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _epoch(self, epoch: int, pool: ThreadPoolExecutor) -> Iterator[RawBatch]:
        """The batches of one epoch."""
        training = self._settings.training
        size, each = training.batch_size, training.crops_per_visit
        visits = self._plan.epoch(epoch, visits_needed(training.steps_per_epoch, size, each))
        waiting: dict[int, Future[list[_Crop]]] = {}
        submitted = 0
        for batch in range(training.steps_per_epoch):
            numbers, crops = crops_in_order(batch, size, each)
            ahead = min(int(numbers.max()) + 1 + _BATCHES_AHEAD * size, len(visits))
            for number in range(submitted, ahead):
                seed = (training.seed, epoch, number)
                waiting[number] = pool.submit(self._cut, visits[number], seed)
            submitted = max(submitted, ahead)
            pairs = [waiting[int(n)].result()[int(c)] for n, c in zip(numbers, crops, strict=True)]
            yield RawBatch(
                hu=np.stack([hu for hu, _ in pairs]),
                coverage=np.stack([coverage for _, coverage in pairs]),
                number=epoch * training.steps_per_epoch + batch,
                series=tuple(visits[int(n)].run[0].series_uid for n in numbers),
            )
            for number, crop in zip(numbers, crops, strict=True):
                if crop == each - 1:
                    del waiting[int(number)]

    def _cut(self, visit: Visit, seed: tuple[int, int, int]) -> list[_Crop]:
        """The crops of one visit."""
        return cut_visit(self.cache, visit, self._settings, np.random.default_rng(seed))


def cut_visit(
    cache: SliceCache, visit: Visit, settings: Hyperparameters, random: np.random.Generator
) -> list[_Crop]:
    """Opens a scan once and draws the crops of a visit.

    Args:
        cache: Where the slices come from.
        visit: What to read, and around which slices to cut.
        settings: Sizes and augmentation.
        random: Source of chance.

    Returns:
        HU (size, size, channels) int16 and coverage (size, size) uint8 of each crop, flipped and
        turned.
    """
    training, run = settings.training, cache.run(visit.run)
    shape = run.hu.shape[1], run.hu.shape[2]
    crops = []
    for z in visit.centres:
        pixel = choose_pixel(run, z, visit.kind is Kind.NODULE, random)
        jitter, size = training.augmentation.jitter, training.crop_size
        corner = place_crop(pixel, shape, size, jitter, random)
        crop = cut_with_context(run, z, corner, size, settings.grid.context)
        crops.append(turn(*crop, training.augmentation, random))
    return crops


def _log_memory(rows: Sequence[IndexRow], capacity_bytes: int) -> None:
    """Says how much of the training data is kept in memory."""
    scans = len({row.series_uid for row in rows})
    total = sum(row.pixel_bytes for row in rows)
    share = min(capacity_bytes / total, 1.0)
    _LOG.info(
        "%d scans to train on: %d slices, %.2f GB of pixels; cache_bytes of %.2f GB keeps %.0f%% "
        "of them in memory, the others are read when they are drawn",
        *(scans, len(rows), total / 1e9, capacity_bytes / 1e9, 100 * share),
    )
