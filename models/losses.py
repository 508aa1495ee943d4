"""The losses of training, on partly covered voxels: one term by overlap, one by voxels.

Keras has classes for these terms that do not fit: its Dice and Tversky have no smoothing, so that a
crop without nodule has no gradient, and give what is missed the weight called alpha, which Salehi
gives to what is predicted falsely; its BinaryFocalCrossentropy clips probabilities at 1e-7, so that
a voxel predicted as wrongly as that has no gradient. No voxel that is IGNORED has any influence.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import keras
from keras import ops

from models.ignored import covered_and_counted
from models.replicas import mean_of_replicas
from schema.hyperparameters import Loss, LossKind, Training

# Added to overlap and total: the Dice of a crop without nodule is then defined, 1 where nothing is
# predicted and lower with every predicted voxel.
_SMOOTHING = 1.0
_PER_CROP = (1, 2, 3)


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
    probability = ops.sigmoid(_counted_logits(logits, counted)) * counted
    overlap = 2.0 * ops.sum(probability * truth, _PER_CROP) + _SMOOTHING
    total = ops.sum(probability, _PER_CROP) + ops.sum(truth, _PER_CROP) + _SMOOTHING
    return 1.0 - ops.mean(overlap / total)


def tversky_loss(truth: Any, logits: Any, alpha: float, beta: float) -> Any:
    """1 - soft Tversky index of each crop, averaged over the batch.

    After Salehi et al. 2017 (arXiv:1706.05721), smoothed so that alpha = beta = 1/2 is
    `soft_dice_loss`: 1 - (Σ pt + 1/2) / (Σ pt + alpha Σ p(1 - t) + beta Σ (1 - p)t + 1/2).

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED, (N, H, W, 1).
        logits: Network output of the same shape.
        alpha: Weight of what is predicted falsely.
        beta: Weight of what is missed.

    Returns:
        float32 scalar.
    """
    truth, counted = covered_and_counted(truth)
    probability = ops.sigmoid(_counted_logits(logits, counted)) * counted
    common = ops.sum(probability * truth, _PER_CROP)
    false = ops.sum(probability, _PER_CROP) - common
    missed = ops.sum(truth, _PER_CROP) - common
    half = _SMOOTHING / 2
    return 1.0 - ops.mean((common + half) / (common + alpha * false + beta * missed + half))


def cross_entropy(truth: Any, logits: Any) -> Any:
    """Mean binary cross entropy per true voxel, not per voxel.

    Background is hundreds of times the nodules; a mean over all voxels would leave next to
    nothing of the gradient. Dividing by Σ t + a hundredth of the voxels keeps it finite where a
    batch holds no nodule.

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED, any shape.
        logits: Network output of the same shape.

    Returns:
        float32 scalar; 0 where all voxels are ignored.
    """
    truth, counted = covered_and_counted(truth)
    return _per_true_voxel(_entropy(truth, _counted_logits(logits, counted)), truth, counted)


def focal_cross_entropy(truth: Any, logits: Any, gamma: float) -> Any:
    """Cross entropy of which voxels that are right already have little; else as `cross_entropy`.

    After Lin et al. 2018 (arXiv:1708.02002), with partly covered voxels as Keras has it: each
    voxel's entropy times (1 - q)^gamma, q = pt + (1 - p)(1 - t).

    Args:
        truth: Covered part of each voxel, 0 to 1, or IGNORED, any shape.
        logits: Network output of the same shape.
        gamma: At least 1; 0 would be cross entropy.

    Returns:
        float32 scalar; 0 where all voxels are ignored.
    """
    truth, counted = covered_and_counted(truth)
    logits = _counted_logits(logits, counted)
    probability = ops.sigmoid(logits)
    wrong = probability * (1.0 - truth) + (1.0 - probability) * truth
    return _per_true_voxel(wrong**gamma * _entropy(truth, logits), truth, counted)


class DiceCrossEntropy(keras.losses.Loss):
    """Soft Dice and cross entropy, weighted.

    Soft Dice is close to the metric of the gate; cross entropy has a gradient for every voxel, also
    in the first epochs, when no prediction overlaps a nodule.
    """

    def __init__(self, bce_weight: float, name: str = "dice_cross_entropy") -> None:
        """Sets the weights.

        Args:
            bce_weight: Weight of the term by voxels, 0 to 1; that by overlap has the rest.
            name: Name in Keras' logs.
        """
        # Keras divides by the number of GPUs only what it reduces itself: see `call`.
        super().__init__(name=name, reduction="sum_over_batch_size", dtype="float32")
        self.bce_weight = bce_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of one batch as the only one of its kind, float32 (1,)."""
        entropy = self.bce_weight * self.by_voxels(y_true, y_pred)
        both = entropy + (1.0 - self.bce_weight) * self.by_overlap(y_true, y_pred)
        return ops.reshape(both, (1,))

    def by_voxels(self, truth: Any, logits: Any) -> Any:
        """The term that each voxel has by itself; float32 scalar."""
        return cross_entropy(truth, logits)

    def by_overlap(self, truth: Any, logits: Any) -> Any:
        """The term of the overlap in each crop; float32 scalar."""
        return soft_dice_loss(truth, logits)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs, for saved models."""
        return {"bce_weight": self.bce_weight, "name": self.name}


class TverskyCrossEntropy(DiceCrossEntropy):
    """Tversky and cross entropy: what is missed may cost more than what is predicted falsely."""

    def __init__(
        self, bce_weight: float, alpha: float, beta: float, name: str = "tversky_cross_entropy"
    ) -> None:
        """Sets the weights, see `tversky_loss`."""
        super().__init__(bce_weight, name)
        self.alpha, self.beta = alpha, beta

    def by_overlap(self, truth: Any, logits: Any) -> Any:
        """Tversky's; float32 scalar."""
        return tversky_loss(truth, logits, self.alpha, self.beta)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs, for saved models."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}


class DiceFocal(DiceCrossEntropy):
    """Soft Dice and focal cross entropy."""

    def __init__(self, bce_weight: float, gamma: float, name: str = "dice_focal") -> None:
        """Sets the weights, see `focal_cross_entropy`."""
        super().__init__(bce_weight, name)
        self.gamma = gamma

    def by_voxels(self, truth: Any, logits: Any) -> Any:
        """Focal cross entropy; float32 scalar."""
        return focal_cross_entropy(truth, logits, self.gamma)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs, for saved models."""
        return {**super().get_config(), "gamma": self.gamma}


_KINDS: Final[Mapping[LossKind, Callable[[float, Loss], DiceCrossEntropy]]] = {
    "dice_cross_entropy": lambda weight, loss: DiceCrossEntropy(weight),
    "tversky_cross_entropy": lambda weight, loss: TverskyCrossEntropy(
        weight, loss.alpha, loss.beta
    ),
    "dice_focal": lambda weight, loss: DiceFocal(weight, loss.gamma),
}


def loss_of(training: Training) -> DiceCrossEntropy:
    """The loss that the configuration asks for."""
    return _KINDS[training.loss.kind](training.bce_weight, training.loss)


def _counted_logits(logits: Any, counted: Any) -> Any:
    """Logits in float32, 0 where voxels are ignored, whatever the network says there."""
    return ops.where(counted > 0, ops.cast(logits, "float32"), 0.0)


def _entropy(truth: Any, logits: Any) -> Any:
    """Binary cross entropy of each voxel, exact at any logit."""
    return ops.relu(logits) - logits * truth + ops.log1p(ops.exp(-ops.abs(logits)))


def _per_true_voxel(values: Any, truth: Any, counted: Any) -> Any:
    """Their sum by what is true, see `cross_entropy`; where several devices share it, in all."""
    weight = mean_of_replicas(ops.sum(truth) + 0.01 * ops.sum(counted))
    return ops.sum(values * counted) / ops.maximum(weight, 1e-6)
