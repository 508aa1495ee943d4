"""The network that the configuration asks for, for training and for use."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import keras

from models.networks.parts import Pyramid, head
from models.networks.supervision import DeeplySupervised
from models.networks.unet import unet
from models.networks.unet_25d import unet_25d
from schema.hyperparameters import NetworkKind, UNet

_KINDS: Final[Mapping[NetworkKind, Callable[[UNet, int], Pyramid]]] = {
    "unet": unet,
    "unet_25d": unet_25d,
}


def build_network(model: UNet, channels: int) -> keras.Model:
    """Builds the network under Keras' current dtype policy.

    Args:
        model: Its kind and size.
        channels: Input channels: the slice and its neighbours.

    Returns:
        A model from (N, H, W, channels) to float32 logits (N, H, W, 1). H and W are free but
        divisible by `model.stride`. Logits, because a loss on them stays exact where a sigmoid
        rounds to 0 or 1.
    """
    return training_network(replace(model, deep_supervision=False), channels)


def training_network(model: UNet, channels: int) -> keras.Model:
    """The same network, which in training predicts at deeper levels too where it is configured.

    Args:
        model: Its kind and size.
        channels: Input channels.

    Returns:
        As `build_network`; with deep supervision, and levels for it, a `DeeplySupervised` model.
    """
    pyramid = _KINDS[model.kind](model, channels)
    supervised = pyramid.levels if model.deep_supervision else pyramid.levels[:1]
    logits, *deeper = (
        head(tensor, f"logits{level or ''}") for level, tensor in enumerate(supervised)
    )
    if not deeper:
        return keras.Model(pyramid.image, logits, name=model.kind)
    return DeeplySupervised(pyramid.image, logits, deeper, name=model.kind)


def float32_copy(model: keras.Model, size: UNet, channels: int) -> keras.Model:
    """The same network with the same weights, computing in float32 throughout.

    A network trained in mixed bfloat16 keeps its weights in float32; only its arithmetic is
    coarse. Exported in float32 it gives the same probabilities on every machine. What deep
    supervision adds is left behind.

    Args:
        model: What `training_network` gave.
        size: Its kind and size.
        channels: Input channels.

    Returns:
        As `build_network`.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = build_network(size, channels)
    finally:
        keras.config.set_dtype_policy(policy)
    for layer in copy.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy
