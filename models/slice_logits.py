"""The network's logits of whole slices, as the exported model would give them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.monitor_slices import WholeSlice, padded
from models.preprocessing import normalise
from models.split import TrainingSplit

BATCH = 4  # slices that are predicted together

# From images float32 (N, H, W, C) to logits (N, H, W, 1); H and W are multiples of the stride.
Predict = Callable[[Any], Any]


class SliceLogits:
    """Normalises slices, pads them to the network's stride, and cuts the padding off again."""

    def __init__(self, split: TrainingSplit) -> None:
        """Takes the transform and the stride of the split's settings."""
        # As the exported model does, and no further: a network that was trained on crops has seen
        # little of what goes on beyond their edge.
        self._multiple = split.settings.model.stride
        self._normalise = tf.function(partial(normalise, split.transform), reduce_retracing=True)

    def __call__(self, predict: Predict, slices: Sequence[WholeSlice]) -> npt.NDArray[np.float32]:
        """Predicts slices of one scan.

        Args:
            predict: The network.
            slices: At least one.

        Returns:
            (N, rows, columns).
        """
        hu = padded(np.stack([one.hu for one in slices]), self._multiple)
        image = self._normalise(np.moveaxis(hu, 1, -1))
        rows, columns = slices[0].truth.shape
        return np.asarray(predict(image), np.float32)[:, :rows, :columns, 0]


def predictor(model: keras.Model) -> Predict:
    """The network as a function of images, traced once for all sizes.

    Not `predict_on_batch`: where training is compiled by XLA, that compiles anew for each size.

    Args:
        model: From images float32 (N, H, W, C) to logits float32 (N, H, W, 1).
    """

    def logits(image: Any) -> Any:
        """Logits as at inference."""
        return model(image, training=False)

    return tf.function(logits, jit_compile=False, reduce_retracing=True)  # type: ignore[no-any-return]
