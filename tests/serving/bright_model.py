"""A model that predicts where Hounsfield units are high, and needs no TensorFlow."""

import numpy as np

from lungct.grid import Grid
from schema.model_facts import ModelFacts
from serving.model import Probability, ServedModel, Volume


def bright_model(grid: Grid, threshold: float = 0.5) -> ServedModel:
    """Probability 0 at -1000 HU and 1 at 200 HU: 0.125 in lung of -850 HU, 0.87 in tissue."""
    facts = ModelFacts(grid, (-1000, 200), threshold, stride=8, code_hash="3d")
    return ServedModel(facts, _segment, "models/7")


def _segment(hu: Volume) -> Probability:
    return np.clip((hu.astype(np.float32) + 1000) / 1200, 0, 1)
