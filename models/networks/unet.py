"""The U-Net: fully convolutional, so it learns on crops and segments whole slices.

After Ronneberger, Fischer and Brox 2015 (arXiv:1505.04597), with padded convolutions, batch
normalisation and residual blocks. Batch normalisation, not group normalisation: once trained it
is a fixed scale and offset per channel, so a pixel's probability depends neither on the batch
nor on how much of the slice is around it, which differs between crops and whole slices. Group
normalisation takes its mean over the whole field of view.
"""

import math
from typing import Any

import keras

from schema.hyperparameters import UNet

# Probability that an untrained network predicts everywhere, near the share of nodule voxels; from
# 0.5 the first epochs would only lower it.
_PRIOR = 0.01
# Moving averages settle within some hundred steps; a short run has no more.
_MOMENTUM = 0.95


def build_unet(model: UNet, channels: int) -> keras.Model:
    """Builds the network under Keras' current dtype policy.

    Args:
        model: Its size.
        channels: Input channels: the slice and its neighbours.

    Returns:
        A model from (N, H, W, channels) to float32 logits (N, H, W, 1). H and W are free but
        divisible by `model.stride`. Logits, because a loss on them stays exact where a sigmoid
        rounds to 0 or 1.
    """
    inputs = keras.Input((None, None, channels), name="image")
    skips = []
    tensor: Any = inputs
    for level in range(model.levels - 1):
        tensor = _block(tensor, _filters(model, level), f"down{level}")
        skips.append(tensor)
        tensor = keras.layers.MaxPooling2D(name=f"pool{level}")(tensor)
    tensor = _block(tensor, _filters(model, model.levels - 1), "bottom")
    tensor = keras.layers.SpatialDropout2D(model.dropout, name="dropout")(tensor)
    for level in reversed(range(model.levels - 1)):
        tensor = _up(tensor, skips[level], _filters(model, level), level)
    return keras.Model(inputs, _head(tensor), name="unet")


def _filters(model: UNet, level: int) -> int:
    return min(model.base_filters << level, model.max_filters)


def _block(tensor: Any, filters: int, name: str) -> Any:
    """Two convolutions and a shortcut past the second."""
    first = _convolution(tensor, filters, f"{name}_a")
    second = _convolution(first, filters, f"{name}_b")
    return keras.layers.Add(name=f"{name}_sum")([first, second])


def _convolution(tensor: Any, filters: int, name: str) -> Any:
    tensor = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(tensor)
    tensor = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(tensor)
    return keras.layers.Activation("relu", name=f"{name}_relu")(tensor)


def _up(tensor: Any, skip: Any, filters: int, level: int) -> Any:
    """Doubles the resolution, brings the channels down, joins the skip connection.

    The 1 by 1 convolution comes before the upsampling: the result is the same, on a quarter of the
    pixels.
    """
    name = f"up{level}"
    tensor = keras.layers.Conv2D(filters, 1, name=f"{name}_reduce")(tensor)
    tensor = keras.layers.UpSampling2D(name=f"{name}_scale")(tensor)
    tensor = keras.layers.Concatenate(name=f"{name}_join")([tensor, skip])
    return _block(tensor, filters, name)


def _head(tensor: Any) -> Any:
    prior = keras.initializers.Constant(math.log(_PRIOR / (1 - _PRIOR)))
    return keras.layers.Conv2D(1, 1, bias_initializer=prior, dtype="float32", name="logits")(tensor)


def float32_copy(model: keras.Model, size: UNet, channels: int) -> keras.Model:
    """The same network with the same weights, computing in float32 throughout.

    A network trained in mixed bfloat16 keeps its weights in float32; only its arithmetic is
    coarse. Exported in float32 it gives the same probabilities on every machine.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = build_unet(size, channels)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy
