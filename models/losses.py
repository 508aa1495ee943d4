"""What training minimises: soft Dice and cross entropy on partly covered voxels."""

from typing import Any

import keras
from keras import ops

# Voxels of agreement granted to every batch: a batch without nodules then has a finite Dice.
_SMOOTHING = 1.0


def soft_dice_loss(truth: Any, logits: Any) -> Any:
    """1 - soft Dice, pooled over the whole batch.

    Pooled, because a crop without nodule has no Dice of its own; its false voxels count against
    the batch. With p the probability and t the covered part of a voxel the loss is
    1 - (2 Σ pt + 1) / (Σ p + Σ t + 1); on soft truth it is lowest where p is 1 wherever t
    exceeds about half the batch's Dice, so it draws a sharp border near one half.

    Args:
        truth: Covered part of each voxel, 0 to 1, any shape.
        logits: Network output of the same shape.

    Returns:
        float32 scalar.
    """
    truth = ops.cast(truth, "float32")
    probability = ops.sigmoid(ops.cast(logits, "float32"))
    overlap = 2.0 * ops.sum(probability * truth) + _SMOOTHING
    return 1.0 - overlap / (ops.sum(probability) + ops.sum(truth) + _SMOOTHING)


def cross_entropy(truth: Any, logits: Any) -> Any:
    """Mean binary cross entropy per true voxel, not per voxel.

    Background is hundreds of times the nodules; a mean over all voxels would leave next to
    nothing of the gradient. Dividing by Σ t + a hundredth of the voxels keeps it finite where a
    batch holds no nodule.

    Args:
        truth: Covered part of each voxel, 0 to 1, any shape.
        logits: Network output of the same shape.

    Returns:
        float32 scalar.
    """
    truth = ops.cast(truth, "float32")
    logits = ops.cast(logits, "float32")
    entropy = ops.relu(logits) - logits * truth + ops.log1p(ops.exp(-ops.abs(logits)))
    voxels = ops.cast(ops.size(truth), "float32")
    return ops.sum(entropy) / (ops.sum(truth) + 0.01 * voxels)


class DiceCrossEntropy(keras.losses.Loss):  # type: ignore[misc]
    """Soft Dice and cross entropy, weighted.

    Soft Dice aims at the figure that is judged; cross entropy has a gradient for every voxel,
    also early on when no prediction overlaps a nodule yet.
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
