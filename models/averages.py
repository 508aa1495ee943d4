"""Averaged weights: what Keras' optimizers keep as an exponential moving average (`use_ema`).

Training goes on with the weights themselves; the monitor, the weights that are kept and the export
have the average. Polyak and Juditsky, SIAM Journal on Control and Optimization 30, 1992; for
networks Izmailov et al. 2018 (arXiv:1803.05407).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


def average_statistics(model: keras.Model, momentum: float) -> None:
    """Averages the statistics of batch normalisation over at least as many steps as the weights.

    Keras averages trainable weights alone. Moving mean and variance are averages over steps too, of
    which training makes no use: with the momentum of the weights they are, to first order in the
    change of the weights, those of the averaged network. To measure them on the averaged network
    itself would cost a pass over training crops after each epoch.

    Args:
        model: Changed in place, before it is compiled.
        momentum: That of the weights; 0 changes nothing.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(layer.momentum, momentum)


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Within it the model has the averaged weights, where its optimizer keeps any.

    Afterwards it has its own again, bit by bit; `keras.callbacks.SwapEMAWeights` swaps by adding
    and subtracting, which rounds.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of float16
    if not optimizer.use_ema:
        yield
        return
    before = [np.array(variable) for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, before, strict=True):
            variable.assign(value)
