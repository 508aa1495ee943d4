"""Several GPUs: each has a copy of the network and an equal part of every batch.

What is trained is what one device would train on the same batches, within rounding: losses,
gradients with their clipping, and the statistics of batch normalisation are of whole batches.
Dropout alone differs: the parts have the same random numbers.
"""

import functools
import logging
from typing import Any

import keras
import tensorflow as tf

from models.precision import list_gpus

_LOG = logging.getLogger(__name__)


def choose_strategy(batch_size: int) -> tf.distribute.Strategy:
    """As many GPUs as share a batch evenly, where there are several, else the default device.

    Args:
        batch_size: Crops in a batch, of all GPUs together.
    """
    gpus = tf.config.list_logical_devices("GPU")
    used = max(n for n in range(1, max(len(gpus), 1) + 1) if batch_size % n == 0)
    if used < len(gpus):
        _LOG.warning(
            "training.batch_size %d is shared evenly by %d of %d GPUs", batch_size, used, len(gpus)
        )
    if used > 1:
        return mirrored(tuple(gpu.name for gpu in gpus[:used]))
    return tf.distribute.get_strategy()


@functools.cache
def mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """The strategy for these devices; one for all trainings of a process.

    A second one would number its exchanges from the same number as the first, and TensorFlow ends
    a training whose exchanges have another shape than those that had their numbers before.
    """
    return tf.distribute.MirroredStrategy(devices)


def may_compile() -> bool:
    """Whether XLA may compile the training step: on one GPU; it can't exchange between several."""
    return bool(list_gpus()) and replicas() == 1


def synchronise_statistics(model: keras.Model) -> None:
    """Lets batch normalisation see whole batches, not the part of one device.

    Args:
        model: Changed in place, before it is compiled; on one device nothing changes.
    """
    several = replicas() > 1
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = several


def replicas() -> int:
    """How many devices share a batch under the current strategy."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def mean_of_replicas(values: Any) -> Any:
    """The mean of what each device has, within a training step; on one device the values."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
