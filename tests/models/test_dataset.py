from dataclasses import replace

import numpy as np
import pytest

from models.dataset import SplitData, training_batches, units_per_hu, whole_slices
from models.holdout import Holdout, choose_holdout
from schema.hyperparameters import Augmentation
from tests.models import synthetic

NOBODY = Holdout((), (), (), 0.0)


def with_training(split: SplitData, **values: object) -> SplitData:
    training = replace(split.settings.training, **values)  # type: ignore[arg-type]
    return replace(split, settings=replace(split.settings, training=training))


def unchanged_slices(split: SplitData, batch_size: int) -> SplitData:
    """A split whose crops are whole slices as they are."""
    still = Augmentation(flip=False, rotate=False, shift_hu=0, scale=0, noise_hu=0)
    return with_training(split, augmentation=still, crop_size=32, batch_size=batch_size)


def test_bytes_of_a_slice(split: SplitData) -> None:
    assert split.slice_bytes == 32 * 32 * (3 * 2 + 1 + 1)


def test_units_per_hu_is_what_the_graph_divides_by(split: SplitData) -> None:
    item = synthetic.make_slice("a", 0, 0.0)
    item.hu[0, 0, 0], item.hu[0, 1, 0] = -900, -800
    raw = {"image_hu": np.array([[item.hu.tobytes()]])}
    image = split.transform(raw)["image"]
    step = float(image[0, 0, 1, 0] - image[0, 0, 0, 0])
    assert units_per_hu(split) == pytest.approx(step / 100, rel=1e-3)


def test_batches_have_the_shape_asked_for_and_soft_truth(split: SplitData) -> None:
    image, truth = next(training_batches(split, NOBODY).as_numpy_iterator())
    assert image.shape == (4, 16, 16, 3) and image.dtype == np.float32
    assert truth.shape == (4, 16, 16, 1) and truth.dtype == np.float32
    assert 0 <= truth.min() and truth.max() <= 1
    assert np.any((truth > 0) & (truth < 1))


@pytest.mark.parametrize("cache_bytes", [0, 8 * 32 * 32 * 8, 10**9])
def test_share_of_crops_with_nodules_whatever_is_cached(split: SplitData, cache_bytes: int) -> None:
    # 8 slices with nodules fit into the second cache, the 16 others do not
    split = with_training(split, cache_bytes=cache_bytes, nodule_fraction=0.75, batch_size=20)
    batches = training_batches(split, NOBODY).take(5).as_numpy_iterator()
    share = np.mean([truth.max(axis=(1, 2, 3)) > 0.5 for _, truth in batches])
    assert share == pytest.approx(0.75, abs=0.12)  # 100 crops: two standard deviations are 0.09


def test_same_seed_same_crops_and_another_start_other_crops(split: SplitData) -> None:
    first, again, later = (
        next(training_batches(split, NOBODY, start).as_numpy_iterator()) for start in (0, 0, 40)
    )
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], later[0])


def test_held_out_patients_are_never_trained_on(split: SplitData) -> None:
    holdout = choose_holdout(split.index, 0.3, 99)
    split = unchanged_slices(split, batch_size=1)
    whole = whole_slices(split, holdout.keys, 1).as_numpy_iterator()
    held_out = {image.tobytes() for batch, _ in whole for image in batch}
    crops = training_batches(split, holdout).take(40).as_numpy_iterator()
    assert held_out and not held_out & {image[0].tobytes() for image, _ in crops}


def test_small_nodules_are_drawn_more_often_than_they_occur(split: SplitData) -> None:
    small = "series-patient0/0"  # one of the eight slices with nodules
    index = [
        replace(item, bucket="3-6" if item.key == small else "15+")
        for item in split.index
        if item.nodule
    ]
    split = unchanged_slices(replace(split, index=index), batch_size=40)
    [(expected, _)] = whole_slices(split, [small], 1).as_numpy_iterator()
    image, _ = next(training_batches(split, NOBODY).as_numpy_iterator())
    share = np.mean([np.array_equal(one, expected[0]) for one in image])
    # 1 / (1 + sqrt(7)) = 0.27 of the crops, not 0.125; 40 crops scatter by 0.07
    assert 0.17 < share < 0.45


def test_a_split_of_nodule_slices_only_gives_batches_too(split: SplitData) -> None:
    only = replace(split, index=[item for item in split.index if item.nodule])
    _, truth = next(training_batches(only, NOBODY).as_numpy_iterator())
    assert np.all(truth.max(axis=(1, 2, 3)) > 0.5)


def test_refuses_to_train_without_nodules(split: SplitData) -> None:
    everybody = Holdout(tuple(item.patient for item in split.index if item.nodule), (), (), 0.0)
    with pytest.raises(ValueError, match="nodules to train on, got none in 0 slices"):
        training_batches(split, everybody)


def test_whole_slices_are_those_named_in_full(split: SplitData) -> None:
    slices = whole_slices(split, ["series-patient0/0", "series-patient2/1"], 4)
    [(image, truth)] = slices.as_numpy_iterator()
    assert image.shape == (2, 32, 32, 3) and truth.shape == (2, 32, 32)
    expected = synthetic.make_slice("patient0", 0, 4.0).coverage / 255
    assert any(np.allclose(part, expected, atol=1e-6) for part in truth)
