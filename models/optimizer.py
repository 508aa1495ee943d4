"""The optimizer that the configuration asks for: AdamW, with warm-up and cosine."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from models.replicas import mean_of_replicas, replicas
from schema.hyperparameters import Training

_LARGEST_NORM = 1.0  # of the gradient of all weights; a longer one is shortened


class AdamW(keras.optimizers.AdamW):
    """Clips the gradient of the whole batch, as on one device.

    Keras' own clips the part of each replica before it adds them up.
    """

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Updates the weights; on several devices each then has the mean of all their gradients."""
        super().apply(mean_of_replicas(list(grads)), trainable_variables)


def optimizer_of(training: Training) -> keras.optimizers.Optimizer:
    """The optimizer, for the strategy in whose scope it is made."""
    return AdamW(
        learning_rate_schedule(training),
        weight_decay=training.weight_decay,
        # Keras adds up what the replicas have: each has an equal part.
        global_clipnorm=_LARGEST_NORM / replicas(),
        use_ema=training.average_weights > 0,
        ema_momentum=training.average_weights,
    )


def learning_rate_schedule(training: Training) -> keras.optimizers.schedules.LearningRateSchedule:
    """A short linear rise, then half a cosine down to a hundredth."""
    steps = training.epochs * training.steps_per_epoch
    warmup = max(1, math.ceil(training.warmup_fraction * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=training.learning_rate / 10,
        warmup_target=training.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
    )
