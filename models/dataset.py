"""Training batches and monitor slices from the records of a split.

What fits into `training.cache_bytes` is read into memory once, slices with nodules first, because
each epoch reads them several times. The rest is streamed from its files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from models.augmentation import Slice, augmenter, crop_near
from models.holdout import Holdout, is_held_out
from models.records import KEY, SliceReference, stream
from schema import features
from schema.hyperparameters import Hyperparameters

_STREAM_SHUFFLE = 256  # slices in the shuffle buffer of a stream
_PARALLEL = 2  # crops prepared at a time; more would compete with the network for cores


@dataclass(frozen=True)
class SplitData:
    """One split, ready to be read.

    Attributes:
        files: Its files of examples.
        index: Its slices.
        transform: The TFT layer, from raw features by name to IMAGE and TRUTH.
        settings: Sizes of slices and batches, and all other hyperparameters.
    """

    files: Sequence[str]
    index: Sequence[SliceReference]
    transform: Any
    settings: Hyperparameters

    @property
    def slice_bytes(self) -> int:
        """Raw pixels of one slice: int16 in each channel and two uint8 masks."""
        grid = self.settings.grid
        return grid.slice_size**2 * (2 * grid.channels + 2)


def training_batches(split: SplitData, holdout: Holdout, first_crop: int = 0) -> tf.data.Dataset:
    """Endless batches of augmented crops from the slices that are not held out.

    Args:
        split: The train split.
        holdout: What training must not see.
        first_crop: Number of the first crop; a resumed run continues its count, so that it does
            not see the crops of its first epochs again.

    Returns:
        (image, truth): float32 (batch, crop, crop, C) and (batch, crop, crop, 1). A share of
        `nodule_fraction` of the crops is cut near a nodule, the others anywhere in the region.

    Raises:
        ValueError: No slice with a nodule is left for training.
    """
    training = split.settings.training
    crops = _balanced(split, holdout, training.seed + first_crop).enumerate(first_crop)
    crops = crops.map(_crop_maker(split), num_parallel_calls=_PARALLEL, deterministic=True)
    return crops.batch(training.batch_size, drop_remainder=True).prefetch(2)


def whole_slices(split: SplitData, keys: Sequence[str], batch_size: int) -> tf.data.Dataset:
    """Whole slices in batches; after the first pass they come from memory.

    Args:
        split: The split.
        keys: Which slices, by `SliceReference.key`.
        batch_size: Slices in a batch; the last one may have fewer.

    Returns:
        (image, truth): float32 (N, H, W, C) and the covered part, float32 (N, H, W).
    """

    def decode(raw: dict[str, Any]) -> tuple[Any, Any]:
        """Image and truth of a batch."""
        image, truth = _decode(split, raw)
        return image, truth[..., 0]

    wanted = set(keys)
    raw = stream([item for item in split.index if item.key in wanted]).cache()
    return raw.batch(batch_size).map(decode).prefetch(1)


def units_per_hu(split: SplitData) -> float:
    """What one Hounsfield unit is in network input, measured through the transform graph."""
    grid, (low, high) = split.settings.grid, split.settings.intensity.window_hu
    shape = (grid.slice_size, grid.slice_size, grid.channels)
    raw = [np.full(shape, value, "<i2").tobytes() for value in (low, high)]
    image = split.transform({features.IMAGE_HU: tf.constant(raw)[:, None]})[features.IMAGE]
    return float(image[1, 0, 0, 0] - image[0, 0, 0, 0]) / (int(high) - int(low))


def _balanced(split: SplitData, holdout: Holdout, seed: int) -> tf.data.Dataset:
    """Endless raw slices, a share of `nodule_fraction` of them with nodules."""
    free = [item for item in split.index if not is_held_out(item, holdout)]
    nodules = [item for item in free if item.nodule]
    others = [item for item in free if not item.nodule]
    if not nodules:
        raise ValueError(f"expected nodules to train on, got none in {len(free)} slices")
    capacity = split.settings.training.cache_bytes // split.slice_bytes
    with_nodules = _endless(nodules, len(nodules) <= capacity, seed)
    if not others:
        return with_nodules
    without = _endless(others, len(free) <= capacity, seed + 1)
    fraction = split.settings.training.nodule_fraction
    return tf.data.Dataset.sample_from_datasets(
        [with_nodules, without], [fraction, 1.0 - fraction], seed=seed
    )


def _endless(slices: Sequence[SliceReference], cached: bool, seed: int) -> tf.data.Dataset:
    """Endless raw slices in random order, from memory or from their files."""
    if not cached:
        streamed = stream(slices)
        return streamed.shuffle(_STREAM_SHUFFLE, seed, reshuffle_each_iteration=True).repeat()
    raw = next(iter(stream(slices).batch(len(slices))))
    place = {key.decode(): number for number, key in enumerate(raw[KEY].numpy())}
    groups: dict[str, list[int]] = {}
    for item in slices:
        groups.setdefault(item.bucket, []).append(place[item.key])
    numbers = _draw_evenly(list(groups.values()), seed)
    return numbers.map(lambda number: {name: value[number] for name, value in raw.items()})


def _draw_evenly(groups: Sequence[Sequence[int]], seed: int) -> tf.data.Dataset:
    """Endless numbers, from each group in proportion to the square root of its size.

    Groups are the size buckets of nodules. By their counts alone large nodules, which cut many
    slices, would prevail; with equal shares rare sizes would be repeated too often.
    """
    roots = np.sqrt([len(group) for group in groups])
    parts = [
        tf.data.Dataset.from_tensor_slices(group)
        .shuffle(len(group), seed + number, reshuffle_each_iteration=True)
        .repeat()
        for number, group in enumerate(groups)
    ]
    return tf.data.Dataset.sample_from_datasets(parts, list(roots / roots.sum()), seed=seed)


def _crop_maker(split: SplitData) -> Callable[[Any, dict[str, Any]], tuple[Any, Any]]:
    training = split.settings.training
    vary = augmenter(training.augmentation, units_per_hu(split))
    size = split.settings.grid.slice_size

    def make(number: Any, raw: dict[str, Any]) -> tuple[Any, Any]:
        """Cuts and augments one crop; its number is its seed."""
        seed = tf.stack([tf.constant(training.seed, tf.int64), number])
        image, truth = _decode(split, {name: value[None] for name, value in raw.items()})
        region = tf.io.decode_raw(raw[features.REGION_MASK], tf.uint8)
        whole = Slice(image[0], truth[0], tf.reshape(region, (size, size)))
        crop = crop_near(whole, training.crop_size, training.augmentation.jitter, seed)
        return vary(*crop, seed)

    return make


def _decode(split: SplitData, raw: dict[str, Any]) -> tuple[Any, Any]:
    """Raw bytes (N,) through the transform graph to image and truth."""
    names = (features.IMAGE_HU, features.NODULE_COVERAGE)
    made = split.transform({name: raw[name][:, None] for name in names})
    grid = split.settings.grid
    shape = (None, grid.slice_size, grid.slice_size)
    image = tf.ensure_shape(made[features.IMAGE], (*shape, grid.channels))
    return image, tf.ensure_shape(made[features.TRUTH], (*shape, 1))
