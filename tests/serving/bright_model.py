"""A model that predicts where Hounsfield units are high, with and without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np

from lungct.grid import Grid
from schema import features
from schema.files import MODEL_FILE
from schema.model_facts import DataFacts, ModelFacts
from serving.served import Probability, ServedModel


def facts_of(grid: Grid, threshold: float = 0.5) -> ModelFacts:
    data = DataFacts(regions=("lung",))
    return ModelFacts(grid, (-1000, 200), threshold, stride=8, data=data, code_hash="3d")


def bright_model(grid: Grid, threshold: float = 0.5) -> ServedModel:
    """Probability 0 at -1000 HU and 1 at 200 HU: 0.125 in lung of -850 HU, 0.87 in tissue."""
    return ServedModel(facts_of(grid, threshold), bright, "models/7")


def save_bright_model(folder: Path, grid: Grid) -> Path:
    """The same as an exported model; returns its folder."""
    import tensorflow as tf

    spec = tf.TensorSpec([None] * 3, tf.int16, name=features.INPUT_HU)

    class Bright(tf.Module):
        @tf.function(input_signature=[spec])
        def segment(self, hu: Any) -> dict[str, Any]:
            probability = tf.clip_by_value((tf.cast(hu, tf.float32) + 1000) / 1200, 0, 1)
            return {features.OUTPUT_PROBABILITY: probability}

    module = Bright()
    tf.saved_model.save(module, str(folder), {features.SIGNATURE_HU: module.segment})
    (folder / MODEL_FILE).write_text(facts_of(grid).to_json())
    return folder


def bright(hu: Any) -> Probability:
    """Probability of Hounsfield units."""
    return np.clip((hu.astype(np.float32) + 1000) / 1200, 0, 1)
