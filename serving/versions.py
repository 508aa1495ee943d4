"""Which folder holds the model that a person names."""

import os
from typing import Final

SAVED_MODEL: Final = "saved_model.pb"


def find_version(folder: str) -> str:
    """The folder of a SavedModel: the one named, or the newest version below it.

    Args:
        folder: Of a SavedModel, or of numbered versions as TF Serving has them.

    Raises:
        ValueError: There is neither.
    """
    if os.path.isfile(os.path.join(folder, SAVED_MODEL)):
        return folder
    names = os.listdir(folder) if os.path.isdir(folder) else []
    versions = sorted((name for name in names if name.isdecimal()), key=int, reverse=True)
    for name in versions:
        place = os.path.join(folder, name)
        if os.path.isfile(os.path.join(place, SAVED_MODEL)):
            return place
    raise ValueError(f"expected a folder with {SAVED_MODEL} or numbered versions, got {folder}")
