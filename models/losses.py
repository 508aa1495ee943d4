"""The loss of training: soft Dice and cross entropy on partly covered voxels."""

from typing import Any

import keras
from keras import ops

from models.ignored import covered_and_counted
from schema.hyperparameters import Training

# Added to overlap and total: the Dice of a crop without nodule is then defined, 1 where nothing is
# predicted and lower with every predicted voxel.
_SMOOTHING = 1.0


def soft_dice_loss(truth: Any, logits: Any) -> Any:
    """1 - soft Dice of each crop, averaged over the batch.

    With p the probability and t the covered part of a voxel a crop's loss is
    1 - (2 Σ pt + 1) / (Σ p + Σ t + 1). The mean gives a nodule of five voxels the weight of one
    of five hundred; pooled over the batch, small ones would count for nothing.

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED, (N, H, W, 1).
        logits: Network output of the same shape.

    Returns:
        float32 scalar.
    """
    truth, counted = covered_and_counted(truth)
    probability = ops.sigmoid(ops.cast(logits, "float32")) * counted
    axes = (1, 2, 3)
    overlap = 2.0 * ops.sum(probability * truth, axes) + _SMOOTHING
    total = ops.sum(probability, axes) + ops.sum(truth, axes) + _SMOOTHING
    return 1.0 - ops.mean(overlap / total)


def cross_entropy(truth: Any, logits: Any) -> Any:
    """Mean binary cross entropy per true voxel, not per voxel.

    Background is hundreds of times the nodules; a mean over all voxels would leave next to
    nothing of the gradient. Dividing by Σ t + a hundredth of the voxels keeps it finite where a
    batch holds no nodule.

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED, any shape.
        logits: Network output of the same shape.

    Returns:
        float32 scalar.
    """
    truth, counted = covered_and_counted(truth)
    logits = ops.cast(logits, "float32")
    entropy = ops.relu(logits) - logits * truth + ops.log1p(ops.exp(-ops.abs(logits)))
    return ops.sum(entropy * counted) / (ops.sum(truth) + 0.01 * ops.sum(counted))


class DiceCrossEntropy(keras.losses.Loss):
    """Soft Dice and cross entropy, weighted.

    Soft Dice is close to the metric of the gate; cross entropy has a gradient for every voxel, also
    in the first epochs, when no prediction overlaps a nodule.
    """

    def __init__(self, bce_weight: float, name: str = "dice_cross_entropy") -> None:
        """Sets the weights.

        Args:
            bce_weight: Weight of cross entropy, 0 to 1; soft Dice has the rest.
            name: Name in Keras' logs.
        """
        super().__init__(name=name, reduction=None, dtype="float32")
        self.bce_weight = bce_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of one batch: float32 scalar."""
        entropy = self.bce_weight * cross_entropy(y_true, y_pred)
        return entropy + (1.0 - self.bce_weight) * soft_dice_loss(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs, for saved models."""
        return {"bce_weight": self.bce_weight, "name": self.name}


def loss_of(training: Training) -> DiceCrossEntropy:
    """The loss that the configuration asks for."""
    return DiceCrossEntropy(training.bce_weight)
