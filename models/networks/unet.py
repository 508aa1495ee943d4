"""The U-Net: fully convolutional, so it learns on crops and segments whole slices.

After Ronneberger, Fischer and Brox 2015 (arXiv:1505.04597), with padded convolutions, normalisation
and, where they are configured, residual blocks and attention gates. The slice and its neighbours
are the channels of the input.
"""

import keras

from models.networks.parts import Pyramid, decoded, encoded
from schema.hyperparameters import UNet


def unet(model: UNet, channels: int) -> Pyramid:
    """The network from (N, H, W, channels); H and W are divisible by `model.stride`."""
    image = keras.Input((None, None, channels), name="image")
    return Pyramid(image, decoded(model, *encoded(model, image)))
