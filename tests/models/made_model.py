"""A small network that has learnt nothing, and its facts, for tests of what is exported."""

import keras
import numpy as np

from lungct.grid import Grid
from models.networks.build import build_network
from schema.hyperparameters import UNet
from schema.model_facts import DataFacts, ModelFacts

CONTEXT = 2
GRID = Grid(spacing_mm=(2.5, 1.5, 1.5), context=CONTEXT)
SIZE = UNet(base_filters=4, levels=3, dropout=0.1)
FACTS = ModelFacts(
    grid=GRID,
    window_hu=(-1000, 400),
    probability_threshold=0.4,
    stride=SIZE.stride,
    data=DataFacts(truths=("spheres",), regions=("lung",), split_sha256="1f", data_sha256="2e"),
    code_hash="3d",
    versions={"python": "3.10"},
)


def made_network() -> keras.Model:
    """Random weights large enough that probabilities differ everywhere."""
    keras.utils.set_random_seed(7)
    network = build_network(SIZE, GRID.channels)
    random = np.random.default_rng(7)
    network.set_weights(
        [
            np.abs(one) + 0.2
            if "variance" in variable.path
            else one + random.normal(0, 0.05, one.shape)
            for one, variable in zip(network.get_weights(), network.weights, strict=True)
        ]
    )
    return network
