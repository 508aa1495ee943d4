"""An exported model as a function of scans."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema import features
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts


@dataclass(frozen=True)
class ServedModel:
    """A model and its facts; `segment` maps int16 HU (z, y, x) to float32 of the same shape."""

    facts: ModelFacts
    segment: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]]


def load_model(directory: str) -> ServedModel:
    """Loads the exported model in a directory."""
    model = tf.saved_model.load(directory)
    signature = model.signatures[features.SIGNATURE_HU]
    with tf.io.gfile.GFile(os.path.join(directory, MODEL_FILE), "r") as file:
        facts = ModelFacts.from_json(file.read())

    def segment(hu: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Probabilities of one scan."""
        outputs = signature(**{features.INPUT_HU: tf.constant(hu)})
        probability: npt.NDArray[np.float32] = outputs[features.OUTPUT_PROBABILITY].numpy()
        return probability

    # The signature holds the model by a weak reference only.
    segment.model = model  # type: ignore[attr-defined]
    return ServedModel(facts, segment)
