"""A U-Net that encodes each slice by itself before it joins them.

At the first `slice_levels` levels the same weights see each slice, as a 3-D convolution of 1 by 3
by 3 would, so that a nodule looks alike in every slice; then a convolution over all slices of one
pixel joins them. The U-Net instead mixes the slices in its very first convolution.
"""

from typing import Any

import keras

from models.networks.parts import (
    Block,
    Convolution,
    Pyramid,
    decoded,
    dropped,
    encoded,
    filters_at,
    pooled,
)
from schema.hyperparameters import UNet


def unet_25d(model: UNet, channels: int) -> Pyramid:
    """The network from (N, H, W, channels); H and W are divisible by `model.stride`."""
    image = keras.Input((None, None, channels), name="image")
    slices = [image[..., number : number + 1] for number in range(channels)]
    skips = []
    for level in range(model.slice_levels):
        if level:
            slices = _each(keras.layers.MaxPooling2D(name=f"slices{level}_pool"), slices)
        slices = _each(Block(model, filters_at(model, level), f"slices{level}"), slices)
        skips.append(dropped(model, _joined(model, slices, level), level))
    tensor = pooled(skips[-1], model.slice_levels - 1)
    bottom, deeper = encoded(model, tensor, first=model.slice_levels)
    return Pyramid(image, decoded(model, bottom, [*skips, *deeper]))


def _each(layer: Any, slices: list[Any]) -> list[Any]:
    """The same weights on each slice."""
    return [layer(one) for one in slices]


def _joined(model: UNet, slices: list[Any], level: int) -> Any:
    """All slices of a level as one tensor with the level's filters."""
    name = f"joined{level}"
    together = keras.layers.Concatenate(name=f"{name}_slices")(slices) if slices[1:] else slices[0]
    return Convolution(model, filters_at(model, level), name, size=1)(together)
