"""A model as whoever segments scans with it sees it, wherever it runs; TensorFlow is not needed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungct.storage import read_text
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts

Volume = npt.NDArray[np.int16]
Probability = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ServedModel:
    """A model that can be asked.

    Attributes:
        facts: What its users must know: spacing, threshold and the like.
        segment: From int16 (slices, rows, columns), Hounsfield units on the model's spacing, of any
            size, to probabilities, float32 of the same shape.
        place: Its folder or endpoint; empty for a model that has none.
    """

    facts: ModelFacts
    segment: Callable[[Volume], Probability]
    place: str = ""


def read_facts(directory: str) -> ModelFacts:
    """Reads the facts beside an exported model.

    Args:
        directory: That of its `saved_model.pb`, local or in a bucket.

    Raises:
        ValueError: The file is missing or holds something else.
        OSError: It can't be read.
    """
    path = f"{directory.rstrip('/')}/{MODEL_FILE}"
    try:
        return ModelFacts.from_json(read_text(path))
    except FileNotFoundError as error:
        raise ValueError(f"expected {MODEL_FILE} beside the model, got none: {path}") from error
    except ValueError as error:
        raise ValueError(f"expected the facts of a model in {path}, got: {error}") from error
