import math
from typing import Any

import keras
import numpy as np
import pytest

from models.ignored import IGNORED
from models.losses import DiceCrossEntropy, cross_entropy, loss_of, soft_dice_loss
from schema.hyperparameters import Training

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


def test_nothing_is_learned_from_ignored_voxels() -> None:
    truth, logits = crops([ONE, ONE, 0, 0]), crops([ZERO_LOGIT] * 4)
    more_truth = crops([ONE, ONE, 0, 0, IGNORED, IGNORED])
    for loss in (soft_dice_loss, cross_entropy):
        for guess in (-30.0, 30.0):
            more_logits = crops([ZERO_LOGIT] * 4 + [guess, -guess])
            assert float(loss(more_truth, more_logits)) == pytest.approx(float(loss(truth, logits)))


def test_the_loss_weighs_both_and_can_be_saved() -> None:
    truth, logits = crops([ONE, ONE, 0, 0]), crops([ZERO_LOGIT] * 4)
    loss = DiceCrossEntropy(0.25)
    expected = 0.25 * float(cross_entropy(truth, logits)) + 0.75 * 0.4
    assert float(loss(truth, logits)) == pytest.approx(expected)
    assert DiceCrossEntropy.from_config(loss.get_config()).bce_weight == 0.25


def test_the_loss_of_a_configuration_has_its_weight() -> None:
    assert loss_of(Training(bce_weight=0.2)).bce_weight == 0.2
