"""An exported model as those use it who have scans: the judge, the report, services.

Everything needed is in the directory of the model; nothing of training or of TFX is imported.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema import features
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts

Volume = npt.NDArray[np.int16]
Probability = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ServedModel:
    """A loaded model.

    Attributes:
        facts: What its users must know: spacing, threshold and the like.
        segment: From int16 (slices, rows, columns), Hounsfield units on the model's spacing, of any
            size, to probabilities, float32 of the same shape.
        directory: Where it was loaded from; empty for a model that was not.
    """

    facts: ModelFacts
    segment: Callable[[Volume], Probability]
    directory: str = ""


def load_model(directory: str) -> ServedModel:
    """Loads an exported model.

    Args:
        directory: That of its `saved_model.pb`, local or in a bucket.

    Raises:
        ValueError: There are no facts beside the model, or it does not segment volumes.
        OSError: There is no SavedModel, or it is damaged.
    """
    facts = read_facts(directory)
    try:
        model = tf.saved_model.load(directory)
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise OSError(f"expected a whole model in {directory}, got: {reason}") from error
    if features.SIGNATURE_HU not in model.signatures:
        raise ValueError(
            f"expected the signature {features.SIGNATURE_HU}, got {sorted(model.signatures)} "
            f"in {directory}"
        )
    return ServedModel(facts, _Segmentation(model), directory)


def read_facts(directory: str) -> ModelFacts:
    """Reads the facts beside an exported model.

    Args:
        directory: That of its `saved_model.pb`.

    Raises:
        ValueError: The file is missing or holds something else.
    """
    path = os.path.join(directory, MODEL_FILE)
    try:
        with tf.io.gfile.GFile(path, "r") as file:
            return ModelFacts.from_json(file.read())
    except tf.errors.NotFoundError as error:
        raise ValueError(f"expected {MODEL_FILE} beside the model, got none: {path}") from error
    except ValueError as error:
        raise ValueError(f"expected the facts of a model in {path}, got: {error}") from error


@dataclass(frozen=True)
class _Segmentation:
    """Calls the signature; holds the model, since its signatures refer to it weakly."""

    model: Any

    def __call__(self, hu: Volume) -> Probability:
        """Probabilities of one volume."""
        signature = self.model.signatures[features.SIGNATURE_HU]
        # TensorFlow keeps a second copy of an array that it has taken in until its next operation.
        given = tf.identity(tf.convert_to_tensor(hu))
        outputs = signature(**{features.INPUT_HU: given})
        # numpy() would copy the whole volume once more.
        return np.asarray(outputs[features.OUTPUT_PROBABILITY])
