import gc
import itertools
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.dataset import CropSource, batches_of
from models.holdout import Holdout, choose_holdout
from models.ignored import IGNORED
from models.preprocessing import normalise
from models.split import TrainingSplit, read_split
from schema.custom_config import parse
from schema.hyperparameters import Augmentation
from schema.slices import scan_path
from tests.made_scans import write_scan
from tests.models import synthetic

NOBODY = Holdout()
SETTINGS = parse(synthetic.CONFIG)
STILL = Augmentation(flip=False, rotate=False, shift_hu=0, scale=0, noise_hu=0)
SCAN_BYTES = 6 * 32 * 40 * 2


def with_training(split: TrainingSplit, **values: object) -> TrainingSplit:
    training = replace(split.settings.training, **values)  # type: ignore[arg-type]
    return replace(split, settings=replace(split.settings, training=training))


def take(split: TrainingSplit, count: int, first_epoch: int = 0) -> list[Any]:
    batches = batches_of(CropSource(split, NOBODY), first_epoch)
    return list(itertools.islice(batches.as_numpy_iterator(), count))


def assert_same(one: Sequence[Any], other: Sequence[Any]) -> None:
    for (image, truth), (other_image, other_truth) in zip(one, other, strict=True):
        np.testing.assert_array_equal(image, other_image)
        np.testing.assert_array_equal(truth, other_truth)


def crop_threads() -> int:
    return sum(thread.name.startswith("crops") for thread in threading.enumerate())


def test_batches_have_the_shape_asked_for_and_soft_truth(split: TrainingSplit) -> None:
    [(image, truth)] = take(split, 1)
    assert image.shape == (4, 16, 16, 3) and image.dtype == np.float32
    assert truth.shape == (4, 16, 16, 1) and truth.dtype == np.float32
    assert 0 <= truth.min() and truth.max() <= 1
    assert np.any((truth > 0) & (truth < 1))
    shapes = batches_of(CropSource(split, NOBODY)).element_spec
    assert [spec.shape.as_list() for spec in shapes] == [[4, 16, 16, 3], [4, 16, 16, 1]]


def test_crops_are_those_of_the_scans(split: TrainingSplit) -> None:
    # A crop as large as the longer side holds the whole slice, continued by its edge.
    split = with_training(split, augmentation=STILL, crop_size=40)
    scans = [synthetic.make_scan(f"patient{n}", 6, ((1, 6.0), (4, 4.0))) for n in range(4)]
    padded = [np.pad(one.hu, ((1, 1), (0, 0), (0, 0)), "edge") for one in scans]
    place_of = {hu[z : z + 3].tobytes(): (n, z) for n, hu in enumerate(padded) for z in range(6)}
    for hu, coverage, _ in itertools.islice(CropSource(split, NOBODY).batches(0), 4):
        for crop, part in zip(hu, coverage, strict=True):
            # The slice's 32 rows begin where rows cease to be the same.
            top = int(np.flatnonzero(np.any(np.diff(crop[..., 1], axis=0), axis=1))[0])
            n, z = place_of[np.moveaxis(crop[top : top + 32], -1, 0).tobytes()]
            np.testing.assert_array_equal(part[top : top + 32], scans[n].coverage[z])
            assert (part[:top] == IGNORED).all() and (part[top + 32 :] == IGNORED).all()


def test_truth_is_ignored_beyond_the_slice(split: TrainingSplit) -> None:
    split = with_training(split, augmentation=Augmentation(), crop_size=48)
    [(_, truth)] = take(split, 1)
    # 32 x 40 pixels of each crop are of the slice, whichever way it was turned.
    assert ((truth == IGNORED).sum(axis=(1, 2, 3)) == 48 * 48 - 32 * 40).all()
    assert truth.max() > 0.5 and set(truth[truth < 0]) == {IGNORED}


def test_crops_are_normalised_and_coverage_is_a_part(split: TrainingSplit) -> None:
    split = with_training(split, augmentation=STILL)
    raw = CropSource(split, NOBODY).batches(0)
    for (image, truth), (hu, coverage, number) in zip(take(split, 4), raw, strict=False):
        np.testing.assert_allclose(image, normalise(split.transform, hu), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(truth[..., 0], coverage / 255, rtol=1e-6)
        assert number in range(4)
    assert next(CropSource(split, NOBODY).batches(3))[2] == 12  # 4 batches an epoch


def test_the_same_batches_whatever_is_cached(split: TrainingSplit) -> None:
    kept = [take(with_training(split, cache_bytes=size), 10) for size in (0, SCAN_BYTES, 10**9)]
    assert_same(kept[0], kept[1])
    assert_same(kept[0], kept[2])


def test_share_of_crops_near_nodules(split: TrainingSplit) -> None:
    still = replace(STILL, jitter=0.25)
    split = with_training(
        split, nodule_fraction=0.75, batch_size=20, augmentation=still, cache_bytes=0
    )
    crops = np.concatenate([truth.max(axis=(1, 2, 3)) > 0.5 for _, truth in take(split, 4)])
    # 60 of 80; those of other slices hold no voxel of a nodule.
    assert crops.sum() == 60


def test_same_seed_same_crops_and_another_epoch_or_seed_other_crops(split: TrainingSplit) -> None:
    first = take(split, 4)
    assert_same(first, take(split, 4))
    for other in (take(split, 4, first_epoch=1), take(with_training(split, seed=2), 4)):
        assert not np.array_equal(first[0][0], other[0][0])


def test_an_epoch_from_a_fresh_start_is_that_of_a_continued_run(split: TrainingSplit) -> None:
    assert_same(take(split, 12)[8:], take(split, 4, first_epoch=2))  # 4 batches an epoch


def test_held_out_patients_are_never_trained_on(tmp_path: Path, layer: Any) -> None:
    for number in range(4):  # HU tell the patients apart
        made = synthetic.make_scan(f"p{number}", 6)
        write_scan(tmp_path, replace(made, hu=np.full_like(made.hu, number)))
    split = read_split(synthetic.train_patterns(str(tmp_path)), layer, SETTINGS)
    holdout = choose_holdout(split.index, 0.3)
    batches = itertools.islice(CropSource(split, holdout).batches(0), 40)
    trained = {f"p{number}" for hu, _, _ in batches for number in np.unique(hu)}
    assert len(trained) == 3 and not trained & set(holdout.patients)


def test_a_split_of_nodule_slices_only_gives_batches_too(tmp_path: Path, layer: Any) -> None:
    write_scan(tmp_path, synthetic.make_scan("p", 3, ((1, 12.0),)))
    split = read_split(synthetic.train_patterns(str(tmp_path)), layer, SETTINGS)
    assert all(np.all(truth.max(axis=(1, 2, 3)) > 0.5) for _, truth in take(split, 4))


def test_refuses_to_train_without_nodules(split: TrainingSplit) -> None:
    everybody = Holdout(tuple({row.patient_id for row in split.index}))
    with pytest.raises(ValueError, match="nodules to train on, got none in 0 slices"):
        batches_of(CropSource(split, everybody))


def test_says_once_what_fits_into_memory(
    split: TrainingSplit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "models.dataset"):
        take(with_training(split, cache_bytes=SCAN_BYTES), 9)
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith("4 scans, 24 slices, 0.00 GB of pixels; 25% of them fit")


def test_few_slices_are_read_for_a_crop(split: TrainingSplit) -> None:
    source = CropSource(with_training(split, cache_bytes=0, steps_per_epoch=40), NOBODY)
    batches = source.batches(0)
    for _ in range(36):
        next(batches)
    # A visit reads at most 3 + 2 slices for 4 crops; four batches more are read ahead.
    assert source.cache.slices_read <= (36 + 4 + 4) * 4 * 5 / 4
    batches.close()


def test_a_damaged_scan_ends_training_and_is_named(split: TrainingSplit, tmp_path: Path) -> None:
    for row in split.index[::6]:
        data = bytearray(Path(scan_path(split.folder, row.series_uid)).read_bytes())
        if row.patient_id == "patient2":
            data[len(data) // 2] ^= 1
        Path(scan_path(str(tmp_path), row.series_uid)).write_bytes(data)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"series-patient2\.tfrecord at"):
        take(replace(split, folder=str(tmp_path)), 40)


def test_threads_end_with_the_dataset(split: TrainingSplit) -> None:
    before = crop_threads()
    for _ in range(5):
        iterator = iter(batches_of(CropSource(split, NOBODY)))
        next(iterator)
        assert crop_threads() > before
        del iterator
    assert wait_for_threads(before)
    raw = CropSource(split, NOBODY).batches(0)
    next(raw)
    raw.close()
    assert wait_for_threads(before)


def wait_for_threads(count: int) -> bool:
    """Whether no more threads than these are left within two seconds."""
    until = time.monotonic() + 2
    while crop_threads() > count and time.monotonic() < until:
        gc.collect()
        time.sleep(0.02)
    return crop_threads() <= count


def test_two_iterators_of_a_source_do_not_disturb_each_other(split: TrainingSplit) -> None:
    dataset = batches_of(CropSource(split, NOBODY))
    one, other = dataset.as_numpy_iterator(), dataset.as_numpy_iterator()
    for _ in range(6):
        assert_same([next(one)], [next(other)])
