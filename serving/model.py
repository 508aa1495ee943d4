"""An exported model, loaded with TensorFlow into this process.

Everything needed is in the directory of the model; nothing of training or of TFX is imported.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from schema import features
from serving.served import Probability, ServedModel, Volume, read_facts


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
