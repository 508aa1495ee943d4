"""Training batches, drawn scan by scan.

Threads read the visits of an epoch ahead, cut their crops and turn them; TensorFlow normalises
whole batches and varies their intensity. What an epoch holds depends on the seed, on its number and
on the false positives that earlier epochs found, not on what is in memory or on which thread is
first. `python -m benchmarks.training_input` measures the cost.
"""

import itertools
import logging
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.augmentation import augmenter, draw_symmetry, move
from models.crops import CropShape, Slab, draw_crop, places_in
from models.deformation import deformer
from models.draws import VisitKind
from models.holdout import Holdout
from models.ignored import IGNORED
from models.mined import MinedPlaces
from models.preprocessing import normalise, units_per_hu
from models.scanner import scanner
from models.slice_cache import SliceCache, describe
from models.split import TrainingSplit
from models.visits import Visit, VisitPlan, lanes

_AHEAD = 4  # batches that are read before they are asked for
_CROP = 1  # tells the random numbers of crops from those of the order
_LOG = logging.getLogger(__name__)

_Crop = tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]
_Batch = tuple[npt.NDArray[np.int16], npt.NDArray[np.int16], np.int64]
_Waiting = list[tuple["Future[list[_Crop]]", int]]  # crops of a visit, and which of them


def batches_of(source: "CropSource", first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches of augmented crops from the slices that are not held out.

    Args:
        source: Draws them.
        first_epoch: The first epoch, from 0; each has `steps_per_epoch` batches.

    Returns:
        (image, truth): float32 (batch, crop, crop, C) and the covered part, float32
        (batch, crop, crop, 1), IGNORED beyond what is known of a scan. A share of `nodule_fraction`
        of the visits is to nodules, the others are anywhere in the region, or near false positives.
    """
    settings, transform = source.split.settings, source.split.transform
    size, count = settings.training.crop_size, settings.training.batch_size
    augmentation = settings.training.augmentation
    deform = deformer(augmentation)
    scan = scanner(augmentation, settings.intensity.window_hu)
    vary = augmenter(augmentation, units_per_hu(transform, settings.intensity))

    def prepare(hu: Any, coverage: Any, number: Any) -> tuple[Any, Any]:
        """Makes a batch of network input."""
        seed = tf.stack([settings.training.seed, number])
        hu, truth = deform(hu, truth_of(coverage), seed)
        image = tf.ensure_shape(normalise(transform, scan(hu, seed)), hu.shape)
        return vary(image, seed), truth

    raw = tf.data.Dataset.from_generator(
        lambda: source.batches(first_epoch),
        output_signature=(
            tf.TensorSpec((count, size, size, settings.grid.channels), tf.int16),
            tf.TensorSpec((count, size, size), tf.int16),
            tf.TensorSpec((), tf.int64),
        ),
    )
    return raw.map(prepare, num_parallel_calls=_cores(), deterministic=True).prefetch(2)


def truth_of(coverage: Any) -> Any:
    """Training truth, float32 (..., 1), of coverage, int16 (...): 0 to 255, or IGNORED."""
    covered = tf.cast(coverage, tf.float32)[..., None]
    return tf.where(covered < 0, IGNORED, covered / 255.0)


class CropSource:
    """Draws raw crops from the scans of a split."""

    def __init__(
        self, split: TrainingSplit, holdout: Holdout, mined: MinedPlaces | None = None
    ) -> None:
        """Groups the slices of the split; nothing is read yet.

        Args:
            split: The train split.
            holdout: What training must not see.
            mined: Places of false positives to draw crops near, where they are looked for.

        Raises:
            ValueError: No slice with a nodule is left for training, or the shares don't fit the
                data roots.
        """
        training = split.settings.training
        self.split = split
        self.plan = VisitPlan(split.index, holdout, split.settings)
        self.cache = SliceCache(split.folder, training.cache_bytes)
        _LOG.info(describe(split.index, training.cache_bytes))
        self._training = training
        self._mined = mined
        self._shape = CropShape(
            training.crop_size, split.settings.grid.context, training.augmentation.jitter
        )

    def batches(self, first_epoch: int) -> Generator[_Batch, None, None]:
        """Endless raw batches; its threads end when it is closed.

        Args:
            first_epoch: The first epoch, from 0.

        Yields:
            HU, int16 (batch, crop, crop, C); coverage, int16 (batch, crop, crop), 0 to 255 or
            IGNORED; the number of the batch, counted from the first one of epoch 0.

        Raises:
            ValueError: The file of a scan is damaged.
            tf.errors.OpError: A file can't be read.
        """
        pool = ThreadPoolExecutor(max(1, _cores() // 2), "crops")  # TensorFlow has the others
        ahead: deque[_Waiting] = deque()
        numbers = itertools.count(first_epoch * self._training.steps_per_epoch)
        try:
            for waiting in self._ask(pool, first_epoch):
                ahead.append(waiting)
                if len(ahead) > _AHEAD:
                    yield *_assemble(ahead.popleft()), np.int64(next(numbers))
        finally:
            for future, _ in itertools.chain.from_iterable(ahead):
                future.cancel()
            pool.shutdown(wait=False)

    def _ask(self, pool: ThreadPoolExecutor, first_epoch: int) -> Iterator[_Waiting]:
        """Endless batches of crops that threads are about to cut."""
        training = self._training
        visit_of, crop_of = lanes(training)
        for epoch in itertools.count(first_epoch):
            visits = self.plan.epoch(epoch, self._mined.of_epoch(epoch) if self._mined else ())
            asked: list[Any] = [None] * training.batch_size
            for step, (chosen, crops) in enumerate(zip(visit_of, crop_of, strict=True)):
                number = (epoch * training.steps_per_epoch + step) * training.batch_size
                for lane in np.flatnonzero((crops == 0) | (step == 0)).tolist():
                    wanted = range(int(crops[lane]), training.crops_per_visit)
                    wanted = wanted[: training.steps_per_epoch - step]
                    visit = visits[chosen[lane]]
                    future = pool.submit(self._cut, visit, wanted, number + lane)
                    asked[lane] = future, wanted.start
                yield [
                    (future, crop - first)
                    for (future, first), crop in zip(asked, crops.tolist(), strict=True)
                ]

    def _cut(self, visit: Visit, wanted: Sequence[int], number: int) -> list[_Crop]:
        """Cuts crops of a visit; the number of the first one is their seed."""
        slab = self.cache.read(visit.run)
        random = np.random.default_rng([self._training.seed, _CROP, number])
        centres = [visit.centres[crop % len(visit.centres)] for crop in wanted]
        places = {z: _places(visit, slab, z) for z in set(centres)}
        crops = []
        for z in centres:
            hu, coverage = draw_crop(slab, z, places[z], self._shape, random)
            symmetry = draw_symmetry(self._training.augmentation, random)
            crops.append((move(hu, symmetry), move(coverage, symmetry)))
        return crops


def _places(visit: Visit, slab: Slab, z: int) -> npt.NDArray[Any]:
    """The pixels of a slice that the crops of a visit are drawn around."""
    if visit.kind is VisitKind.HARD:
        return np.array(visit.pixels)
    return places_in(slab, z, visit.kind is VisitKind.NODULE)


def _assemble(waiting: _Waiting) -> _Crop:
    """Joins the crops of a batch as soon as all are cut; raises what a thread has raised."""
    crops = [future.result()[number] for future, number in waiting]
    shape = crops[0][0].shape
    hu = np.empty((len(crops), *shape), np.int16)
    coverage = np.empty((len(crops), *shape[:2]), np.int16)
    for number, crop in enumerate(crops):
        hu[number], coverage[number] = crop
    return hu, coverage


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
