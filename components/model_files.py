"""What lies beside the SavedModel of a Model artifact."""

import os

from tfx import types
from tfx.dsl.io import fileio
from tfx.utils import io_utils, path_utils

from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts

Spacing = tuple[float, float, float]


def model_folder(model: types.Artifact) -> str:
    """The folder of the SavedModel of an artifact."""
    folder: str = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return folder


def spacing_of(folder: str) -> Spacing | None:
    """The spacing (z, y, x) in mm that a model works on; None where that can't be told.

    Args:
        folder: The folder of its SavedModel.
    """
    path = os.path.join(folder, MODEL_FILE)
    if not fileio.exists(path):
        return None
    try:
        return ModelFacts.from_json(io_utils.read_string_file(path)).grid.spacing_mm
    except ValueError:
        return None
