"""What lies beside the SavedModel of a Model artifact."""

from tfx import types
from tfx.utils import path_utils

from serving.model import read_facts

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
    try:
        return read_facts(folder).grid.spacing_mm
    except ValueError:
        return None
