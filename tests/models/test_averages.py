"""Averaged weights."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from models import trainer
from models.averages import average_statistics, averaged
from models.split import TrainingSplit
from tests.models.test_dataset import with_training


def one_weight(momentum: float, dtype: str = "float32") -> keras.Model:
    """y = w x with w = 0 at first; SGD of rate 1 on -y adds the mean x to it in each step."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    optimizer = keras.optimizers.SGD(1.0, use_ema=momentum > 0, ema_momentum=momentum)
    if dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer=optimizer, loss=lambda truth, given: -given, jit_compile=False)
    return model


def weight(model: keras.Model) -> float:
    return float(np.array(model.trainable_variables[0])[0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_average_by_hand(dtype: str) -> None:
    model = one_weight(0.75, dtype)
    for value in (0.1, 0.2, 0.4):
        model.train_on_batch(np.full((2, 1), value), np.zeros((2, 1)))
    before = weight(model)
    assert before == pytest.approx(0.7)
    # Weights 0.1, 0.3, 0.7; the first one is the first average: 0.1, then 3/4 of the average and
    # 1/4 of the weight: 0.15 and 0.2875.
    with averaged(model):
        assert weight(model) == pytest.approx(0.2875)
    assert weight(model) == before


def test_weights_come_back_bit_by_bit_after_an_error() -> None:
    model = one_weight(0.9)
    for value in (1e-7, 3.0):
        model.train_on_batch(np.full((2, 1), value), np.zeros((2, 1)))
    before = weight(model)
    with pytest.raises(KeyError), averaged(model):
        assert weight(model) != before
        raise KeyError
    assert weight(model) == before


def test_without_average_nothing_changes() -> None:
    model = one_weight(0.0)
    model.train_on_batch(np.ones((2, 1)), np.zeros((2, 1)))
    with averaged(model):
        assert weight(model) == 1.0


def test_statistics_are_averaged_over_as_many_steps() -> None:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.BatchNormalization(momentum=0.95, name="short"),
            keras.layers.BatchNormalization(momentum=0.999, name="long"),
        ]
    )
    average_statistics(model, 0.99)
    assert [layer.momentum for layer in model.layers] == [0.99, 0.999]
    # Mean 1 of the first batch: a hundredth of it is in the average, which began at 0.
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    model.train_on_batch(np.full((4, 2), 1.0), np.zeros((4, 2)))
    moving = model.get_layer("short").moving_mean
    np.testing.assert_allclose(np.array(moving), [0.01, 0.01], rtol=1e-5)


def test_the_configuration_turns_it_on(split: TrainingSplit) -> None:
    split = with_training(split, average_weights=0.98)
    model = trainer.compiled_model(split.settings)
    assert model.optimizer.use_ema and model.optimizer.ema_momentum == 0.98
    assert model.get_layer("bottom_a_norm").momentum == 0.98
    off = replace(split.settings.training, average_weights=0.0)
    model = trainer.compiled_model(replace(split.settings, training=off))
    assert not model.optimizer.use_ema and model.get_layer("bottom_a_norm").momentum == 0.95
