from pathlib import Path

import keras
import numpy as np
import pytest

from models.checkpoint import load_weights, save_weights
from models.ignored import IGNORED
from models.losses import DiceCrossEntropy
from models.monitor import PooledDice
from models.networks.build import build_network, training_network
from models.networks.supervision import DeeplySupervised, coarser
from schema.hyperparameters import UNet

SIZE = UNet(base_filters=2, levels=4, dropout=0.0, deep_supervision=True)


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    model = training_network(SIZE, channels=1)
    loss, metrics = DiceCrossEntropy(0.5), [PooledDice(0.5)]
    model.compile(optimizer="sgd", loss=loss, metrics=metrics, jit_compile=False)
    return model


def image_and_truth() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    image = random.normal(size=(2, 16, 16, 1)).astype(np.float32)
    return image, (image > 1).astype(np.float32)


def test_coarser_truth_is_the_covered_part_of_larger_voxels() -> None:
    truth = np.array([[1, 0.5, IGNORED, 1], [0, 0.5, 1, 1]], np.float32)[None, ..., None]
    # (1 + 0.5 + 0 + 0.5) / 4 is covered of the first; of the second a quarter is not known.
    np.testing.assert_array_equal(np.asarray(coarser(truth, 2)).ravel(), [0.5, IGNORED])


def test_only_training_has_several_outputs(model: keras.Model) -> None:
    image, _ = image_and_truth()
    assert isinstance(model, DeeplySupervised)
    assert model(image).shape == model(image, training=False).shape == (2, 16, 16, 1)
    shapes = [tuple(logits.shape) for logits in model(image, training=True)]
    # Full resolution, every second and every fourth pixel; not the deepest level.
    assert shapes == [(2, 16, 16, 1), (2, 8, 8, 1), (2, 4, 4, 1)]


def test_without_it_nothing_is_added() -> None:
    plain = training_network(UNet(base_filters=2, levels=4, dropout=0.0), channels=1)
    assert type(plain) is type(build_network(SIZE, channels=1))
    assert plain.count_params() == build_network(SIZE, channels=1).count_params()


def test_each_level_has_half_the_weight_of_the_one_above(model: keras.Model) -> None:
    image, truth = image_and_truth()
    levels = model(image, training=True)
    loss = model.loss
    expected = sum(
        0.5**level * float(loss(coarser(truth, 2**level), logits))
        for level, logits in enumerate(levels)
    )
    found = float(model.compute_loss(image, truth, levels))
    assert found == pytest.approx(expected / 1.75, rel=1e-5)  # 1 + 1/2 + 1/4


def test_a_step_trains_all_heads_and_measures_full_resolution(model: keras.Model) -> None:
    image, truth = image_and_truth()
    heads = [model.get_layer(name) for name in ("logits", "logits1", "logits2")]
    before = [layer.get_weights()[0].copy() for layer in heads]
    result = model.train_on_batch(image, truth, return_dict=True)
    assert set(result) == {"loss", "dice"}
    for layer, old in zip(heads, before, strict=True):
        assert not np.array_equal(layer.get_weights()[0], old)


def test_weights_of_all_heads_are_saved_and_read(model: keras.Model, tmp_path: Path) -> None:
    path = str(tmp_path / "some.weights.h5")
    save_weights(model, path)
    before = [one.copy() for one in model.get_weights()]
    model.set_weights([one + 1 for one in before])
    load_weights(model, path)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_outside_of_training_loss_and_metric_are_of_one_level(model: keras.Model) -> None:
    image, truth = image_and_truth()
    found = model.evaluate(image, truth, return_dict=True, verbose=0)
    logits = model(image)
    assert found["loss"] == pytest.approx(float(model.loss(truth, logits)))
    metric = PooledDice(0.5)
    metric.update_state(truth, logits)
    assert found["dice"] == pytest.approx(float(metric.result()))
