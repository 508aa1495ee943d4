import math
import types
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.ignored import IGNORED
from models.losses import (
    DiceCrossEntropy,
    DiceFocal,
    TverskyCrossEntropy,
    cross_entropy,
    focal_cross_entropy,
    loss_of,
    soft_dice_loss,
    tversky_loss,
)
from schema.hyperparameters import Loss, Training

ZERO_LOGIT, ONE = 0.0, 1.0  # a logit of 0 is a probability of 1/2


def crops(*rows: list[float]) -> Any:
    """One crop of (1, width, 1) per row."""
    return np.array(rows, np.float32)[:, None, :, None]


def test_soft_dice_by_hand() -> None:
    truth, logits = crops([ONE, ONE, 0, 0]), crops([ZERO_LOGIT] * 4)
    # sum pt = 1, sum p = 2, sum t = 2: 1 - (2 + 1) / (4 + 1) = 0.4
    assert float(soft_dice_loss(truth, logits)) == pytest.approx(0.4)


def test_soft_dice_of_nothing_true_and_nothing_predicted_is_0() -> None:
    loss = soft_dice_loss(crops([0, 0]), crops([-100, -100]))
    assert float(loss) == pytest.approx(0.0)


def test_false_voxels_in_a_crop_without_nodule_cost() -> None:
    loss = soft_dice_loss(crops([0, 0, 0]), crops([100, 100, -100]))
    assert float(loss) == pytest.approx(1 - 1 / 3)


def test_each_crop_counts_alike_whatever_the_size_of_its_nodule() -> None:
    truth, missed = crops([ONE] * 8, [ONE] + [0] * 7), [-100.0] * 8
    large_missed = soft_dice_loss(truth, crops(missed, [100.0] + [-100.0] * 7))
    small_missed = soft_dice_loss(truth, crops([100.0] * 8, missed))
    assert float(large_missed) == pytest.approx((1 - 1 / 9) / 2)
    assert float(small_missed) == pytest.approx((1 - 1 / 2) / 2)


def test_cross_entropy_by_hand() -> None:
    truth = np.array([ONE, 0.25], np.float32)
    logits = np.array([ZERO_LOGIT, ZERO_LOGIT], np.float32)
    # ln 2 for each of two voxels, over 1.25 true voxels and a hundredth of 2
    assert float(cross_entropy(truth, logits)) == pytest.approx(2 * math.log(2) / 1.27)


def test_cross_entropy_stays_finite_at_large_logits_and_in_bfloat16() -> None:
    truth = keras.ops.cast([1.0, 0.0], "bfloat16")
    logits = keras.ops.cast([-200.0, 200.0], "bfloat16")
    loss = cross_entropy(truth, logits)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert float(loss) == pytest.approx(400 / 1.02, rel=1e-4)


@pytest.mark.parametrize("part", [0.3, 0.7])
def test_cross_entropy_of_a_partly_covered_voxel_is_lowest_at_its_part(part: float) -> None:
    logits = np.linspace(-3, 3, 601, dtype=np.float32)
    losses = [
        float(cross_entropy(np.array([part], np.float32), logits[i : i + 1])) for i in range(601)
    ]
    best = logits[int(np.argmin(losses))]
    assert 1 / (1 + math.exp(-best)) == pytest.approx(part, abs=0.01)


def test_tversky_by_hand() -> None:
    truth, logits = crops([ONE, ONE, 0, 0]), crops([ZERO_LOGIT] * 4)
    # Half of two true voxels is common, half missed, half of two others predicted falsely:
    # 1 - (1 + 0.5) / (1 + 0.2 * 1 + 0.6 * 1 + 0.5) = 1 - 1.5 / 2.3
    assert float(tversky_loss(truth, logits, 0.2, 0.6)) == pytest.approx(1 - 1.5 / 2.3)


def test_tversky_of_two_halves_is_soft_dice() -> None:
    random = np.random.default_rng(1)
    truth = random.random((3, 4, 4, 1)).astype(np.float32)
    logits = random.normal(size=truth.shape).astype(np.float32)
    same = float(soft_dice_loss(truth, logits))
    assert float(tversky_loss(truth, logits, 0.5, 0.5)) == pytest.approx(same, rel=1e-5)


def test_alpha_weighs_what_is_predicted_falsely_and_beta_what_is_missed() -> None:
    truth = crops([ONE, ONE, 0, 0])
    missed, false = crops([100, -100, -100, -100]), crops([100, 100, 100, -100])
    assert float(tversky_loss(truth, missed, 0.1, 0.9)) == pytest.approx(1 - 1.5 / 2.4)
    assert float(tversky_loss(truth, false, 0.1, 0.9)) == pytest.approx(1 - 2.5 / 2.6)


def test_focal_cross_entropy_by_hand() -> None:
    truth, logits = np.array([ONE, 0.0], np.float32), np.array([math.log(3), 0], np.float32)
    # p = 3/4 and 1/2: (1/4)^2 * -ln(3/4) + (1/2)^2 * ln 2, over 1 true voxel and a hundredth of 2
    expected = (math.log(4 / 3) / 16 + math.log(2) / 4) / 1.02
    assert float(focal_cross_entropy(truth, logits, 2.0)) == pytest.approx(expected)


def test_focal_cross_entropy_is_that_of_keras_where_keras_is_exact() -> None:
    random = np.random.default_rng(2)
    truth = random.random((5, 1)).astype(np.float32)
    logits = random.normal(size=(5, 1)).astype(np.float32)
    theirs = keras.losses.binary_focal_crossentropy(truth, logits, gamma=1.5, from_logits=True)
    expected = float(keras.ops.sum(theirs)) / (truth.sum() + 0.05)
    assert float(focal_cross_entropy(truth, logits, 1.5)) == pytest.approx(expected, rel=1e-5)
    # Where a nodule is missed with p = 4e-9, Keras' loss is 16 and has no gradient.
    missed = np.array([[-20.0]], np.float32)
    found = float(focal_cross_entropy(np.ones_like(missed), missed, 1.5))
    assert found == pytest.approx(20 / 1.01, rel=1e-5)


LOSSES = [
    DiceCrossEntropy(0.5),
    TverskyCrossEntropy(0.5, alpha=0.3, beta=0.7),
    DiceFocal(0.5, gamma=2.0),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_ignored_voxels_have_no_influence(loss: DiceCrossEntropy) -> None:
    whole = crops([ONE, 0.5, 0, IGNORED, IGNORED])
    logits = tf.constant(crops([1.0, -2.0, 0.5, 70.0, -70.0]))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = loss(whole, logits)
    gradient = tape.gradient(found, logits).numpy().ravel()
    assert gradient[3:].tolist() == [0, 0] and np.all(gradient[:3] != 0)
    alone = loss(whole[:, :, :3], logits[:, :, :3])
    assert float(found) == pytest.approx(float(alone), rel=1e-6)
    not_a_number = crops([1.0, -2.0, 0.5, np.nan, np.inf])
    assert float(loss(whole, not_a_number)) == float(found)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_a_batch_of_ignored_voxels_costs_nothing(loss: DiceCrossEntropy) -> None:
    assert float(loss(crops([IGNORED] * 3), crops([5.0, 0.0, -5.0]))) == 0


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_losses_can_be_saved(loss: DiceCrossEntropy) -> None:
    truth, logits = crops([ONE, 0.5, 0]), crops([1.0, -2.0, 0.5])
    again = type(loss).from_config(loss.get_config())
    assert again.name == loss.name
    assert float(again(truth, logits)) == float(loss(truth, logits))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_each_of_two_devices_has_half_the_loss(
    loss: DiceCrossEntropy, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, logits = crops([ONE, 0.5, 0]), crops([1.0, -2.0, 0.5])
    alone = float(loss(truth, logits))
    two = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: two)
    # MirroredStrategy adds up the gradients of its devices.
    assert float(loss(truth, logits)) == pytest.approx(alone / 2)


def test_the_loss_weighs_both() -> None:
    truth, logits = crops([ONE, ONE, 0, 0]), crops([ZERO_LOGIT] * 4)
    expected = 0.25 * float(cross_entropy(truth, logits)) + 0.75 * 0.4
    assert float(DiceCrossEntropy(0.25)(truth, logits)) == pytest.approx(expected)


def test_the_loss_is_that_of_the_configuration() -> None:
    default = loss_of(Training(bce_weight=0.2))
    assert type(default) is DiceCrossEntropy and default.bce_weight == 0.2
    tversky = Loss("tversky_cross_entropy", alpha=0.4, beta=0.5)
    expected = {"name": "tversky_cross_entropy", "bce_weight": 0.5, "alpha": 0.4, "beta": 0.5}
    assert loss_of(Training(loss=tversky)).get_config() == expected
    focal = loss_of(Training(loss=Loss("dice_focal", gamma=3.0)))
    assert focal.get_config() == {"name": "dice_focal", "bce_weight": 0.5, "gamma": 3.0}
