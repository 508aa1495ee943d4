"""Deep supervision: in training the deeper levels predict a coarser truth as well.

After Lee et al. 2015 (arXiv:1409.5185) as in nnU-Net: each level has half the weight of the one
above it, and all weights together are 1.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from models.ignored import IGNORED, covered_and_counted


class DeeplySupervised(keras.Model):
    """A network with one output whose training has several.

    Whoever calls it without `training=True` gets the logits of full resolution alone; the metrics
    of training see these alone too.
    """

    def __init__(self, image: Any, logits: Any, deeper: Sequence[Any], name: str) -> None:
        """Makes the network.

        Args:
            image: The Keras input.
            logits: Output of full resolution.
            deeper: Logits of every second, fourth, ... pixel.
            name: Name of the model.
        """
        super().__init__(image, [logits, *deeper], name=name)
        # By these names Keras pairs losses and metrics with outputs; each loss here is of one.
        self.output_names: list[str] = ["logits"]

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Logits (N, H, W, 1); in training a list of all levels' logits."""
        outputs = super().call(inputs, training=training, mask=mask)
        return outputs if training else outputs[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of all levels, weighted, or outside of training of one; float32 scalar."""
        levels = _levels(y_pred)
        weights = [0.5**level for level in range(len(levels))]
        of_level = super().compute_loss
        losses = [
            of_level(x, coarser(y, 1 << level), logits, sample_weight, training)
            for level, logits in enumerate(levels)
        ]
        return sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of full resolution."""
        return super().compute_metrics(x, y, _levels(y_pred)[0], sample_weight)


def _levels(outputs: Any) -> Sequence[Any]:
    """The logits of each level, of what `DeeplySupervised` gives in training or outside of it.

    With several devices Keras asks for loss and metrics once outside of training, to make them.
    """
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def coarser(truth: Any, factor: int) -> Any:
    """Truth on larger voxels.

    Args:
        truth: Covered part of each voxel, or IGNORED, (N, H, W, 1).
        factor: How many voxels of a row, and how many rows, become one.

    Returns:
        float32 (N, H / factor, W / factor, 1): the covered part of each larger voxel, which is the
        mean of its parts; IGNORED where one of them is.
    """
    parts = [ops.average_pool(part, factor) for part in covered_and_counted(truth)]
    return ops.where(parts[1] == 1.0, parts[0], IGNORED)
