"""What networks consist of: convolutions, blocks, joints and heads.

Normalisation is by batch or by pixel. Batch normalisation, once trained, is a fixed scale and
offset per channel; layer normalisation here takes its mean over the channels of one pixel. With
either, a pixel's probability depends neither on the batch nor on how much of the slice is around
it, which differs between crops and whole slices. Group normalisation, which takes its mean over the
whole field of view, is left out for that.
"""

from dataclasses import dataclass
from typing import Any

import keras

from models.logits import logit
from schema.hyperparameters import UNet

# Probability that an untrained network predicts everywhere, near the share of nodule voxels; from
# 0.5 the first epochs would only lower it.
_PRIOR = 0.01
# Moving averages settle within some hundred steps; a short run has no more.
_MOMENTUM = 0.95


@dataclass(frozen=True)
class Pyramid:
    """What a network makes of an image, before the logits.

    Attributes:
        image: The Keras input.
        levels: Tensors (N, H / 2^k, W / 2^k, filters) for k = 0, 1, ...: the first one for the
            logits, the others for what deep supervision adds in training.
    """

    image: Any
    levels: tuple[Any, ...]


def filters_at(model: UNet, level: int) -> int:
    """Channels of a level, 0 the full resolution."""
    return min(model.base_filters << level, model.max_filters)


class Convolution:
    """A convolution, its normalisation and activation, which may be applied several times.

    Each call uses the same weights, as a Keras layer does.
    """

    def __init__(self, model: UNet, filters: int, name: str, size: int = 3) -> None:
        """Makes the layers; the kernel has `size` by `size` pixels."""
        self._convolution = keras.layers.Conv2D(
            filters,
            size,
            padding="same",
            use_bias=model.normalisation == "none",
            kernel_initializer="he_normal",
            name=name,
        )
        self._norm = _normalisation(model, f"{name}_norm")
        self._activation = keras.layers.Activation("relu", name=f"{name}_relu")

    def __call__(self, tensor: Any) -> Any:
        """Applies them; rows and columns stay."""
        tensor = self._convolution(tensor)
        return self._activation(tensor if self._norm is None else self._norm(tensor))


class Block:
    """Two convolutions and, where the configuration has it, a shortcut past the second."""

    def __init__(self, model: UNet, filters: int, name: str) -> None:
        """Makes the layers."""
        self._first = Convolution(model, filters, f"{name}_a")
        self._second = Convolution(model, filters, f"{name}_b")
        self._sum = keras.layers.Add(name=f"{name}_sum") if model.residual else None

    def __call__(self, tensor: Any) -> Any:
        """Applies them; rows and columns stay."""
        first = self._first(tensor)
        second = self._second(first)
        return second if self._sum is None else self._sum([first, second])


def dropped(model: UNet, tensor: Any, level: int) -> Any:
    """Dropout of whole feature maps at the deepest levels, as many as are configured."""
    above = model.levels - 1 - level
    if above >= model.dropout_levels:
        return tensor
    name = "dropout" if above == 0 else f"dropout{level}"
    return keras.layers.SpatialDropout2D(model.dropout, name=name)(tensor)


def pooled(tensor: Any, level: int) -> Any:
    """Half the resolution."""
    return keras.layers.MaxPooling2D(name=f"pool{level}")(tensor)


def encoded(model: UNet, tensor: Any, first: int = 0) -> tuple[Any, list[Any]]:
    """The way down to the deepest level.

    Args:
        model: The configuration.
        tensor: What the first level sees.
        first: That level, 0 the full resolution.

    Returns:
        The deepest level, and the levels above it for their skip connections.
    """
    deepest, skips = model.levels - 1, []
    for level in range(first, deepest):
        tensor = Block(model, filters_at(model, level), f"down{level}")(tensor)
        skips.append(dropped(model, tensor, level))
        tensor = pooled(skips[-1], level)
    tensor = Block(model, filters_at(model, deepest), "bottom")(tensor)
    return dropped(model, tensor, deepest), skips


def decoded(model: UNet, bottom: Any, skips: list[Any]) -> tuple[Any, ...]:
    """The way back up to full resolution.

    Args:
        model: The configuration.
        bottom: The deepest level.
        skips: What is joined at each level above it, full resolution first.

    Returns:
        The levels of a Pyramid. The deepest one, which has seen no skip connection, is left out
        where there are others.
    """
    levels = [bottom]
    for level in reversed(range(len(skips))):
        levels.append(_up(model, levels[-1], skips[level], level))
    return tuple(reversed(levels[1:] or levels))


def head(tensor: Any, name: str) -> Any:
    """Logits, float32 whatever the dtype policy."""
    prior = keras.initializers.Constant(logit(_PRIOR))
    return keras.layers.Conv2D(1, 1, bias_initializer=prior, dtype="float32", name=name)(tensor)


def _up(model: UNet, tensor: Any, skip: Any, level: int) -> Any:
    """Doubles the resolution, brings the channels down, joins the skip connection.

    The 1 by 1 convolution comes before the upsampling: the result is the same, on a quarter of the
    pixels.
    """
    name, filters = f"up{level}", filters_at(model, level)
    tensor = keras.layers.Conv2D(filters, 1, name=f"{name}_reduce")(tensor)
    tensor = keras.layers.UpSampling2D(name=f"{name}_scale")(tensor)
    if model.attention:
        skip = _attended(skip, tensor, filters, f"attention{level}")
    tensor = keras.layers.Concatenate(name=f"{name}_join")([tensor, skip])
    return Block(model, filters, name)(tensor)


def _attended(skip: Any, gate: Any, filters: int, name: str) -> Any:
    """A skip connection times a weight from 0 to 1 per pixel.

    After Oktay et al. 2018 (arXiv:1804.03999), the gate at the resolution of the skip connection.
    """
    inner = max(filters // 2, 1)
    seen = keras.layers.Conv2D(inner, 1, name=f"{name}_skip")(skip)
    wanted = keras.layers.Conv2D(inner, 1, use_bias=False, name=f"{name}_gate")(gate)
    both = keras.layers.Add(name=f"{name}_sum")([seen, wanted])
    both = keras.layers.Activation("relu", name=f"{name}_relu")(both)
    weight = keras.layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_weight")(both)
    return keras.layers.Multiply(name=name)([skip, weight])


def _normalisation(model: UNet, name: str) -> Any:
    """The layer, or None for no normalisation."""
    if model.normalisation == "batch":
        return keras.layers.BatchNormalization(momentum=_MOMENTUM, name=name)
    if model.normalisation == "layer":
        return keras.layers.LayerNormalization(name=name)
    return None
