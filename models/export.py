"""Writing the exported model, and what its users must know beside it."""

import os
import platform
from importlib import metadata

import tensorflow as tf

from models.segmenter import Segmenter
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts

_LIBRARIES = ("tensorflow", "keras", "tensorflow-transform", "numpy")


def export(segmenter: Segmenter, directory: str, facts: ModelFacts) -> None:
    """Writes a SavedModel that TF Serving, Vertex AI and `serving.model.load_model` take.

    Args:
        segmenter: The network with its transform graph.
        directory: Where it is written; the facts go into `schema.files.MODEL_FILE`.
        facts: What users of the model must know.
    """
    tf.saved_model.save(segmenter, directory, signatures=segmenter.signatures())
    with tf.io.gfile.GFile(os.path.join(directory, MODEL_FILE), "w") as file:
        file.write(facts.to_json())


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that make a model, by name."""
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **versions}
