"""What lies beside the SavedModel of a Model artifact."""

from tfx import types
from tfx.utils import path_utils

from schema import features
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts
from serving.served import read_facts


def model_folder(model: types.Artifact) -> str:
    """The folder of the SavedModel of an artifact."""
    folder: str = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return folder


def why_not_comparable(candidate: str, other: str) -> str:
    """Why another model can't be compared with the candidate on today's eval split.

    Its context may be another, which a model handles itself.

    Args:
        candidate: Folder of the SavedModel that was trained on today's examples.
        other: Folder of that of the other model.

    Returns:
        The reason in words; empty where they can be compared.
    """
    try:
        ours, theirs = read_facts(candidate), read_facts(other)
    except ValueError as error:
        return str(error)
    for what, expected, got in (
        ("spacing in mm", ours.grid.spacing_mm, theirs.grid.spacing_mm),
        ("region", ours.data.regions, theirs.data.regions),
        ("truth", ours.data.truths, theirs.data.truths),
    ):
        if expected != got:
            return f"expected {what} {_words(expected)}, got {_words(got)}"
    return _patients_in_common(ours, theirs)


def passed_over_text(candidate: str, other: str) -> str:
    """That a blessed model is passed over and why, in one line; empty where it can be compared.

    Args:
        candidate: As in `why_not_comparable`.
        other: The blessed model.
    """
    reason = why_not_comparable(candidate, other)
    return f"not compared with the blessed model in {other}: {reason}" if reason else ""


def _patients_in_common(ours: ModelFacts, theirs: ModelFacts) -> str:
    """The reason where the other model has seen patients that are judged today."""
    judged = {
        patient
        for split, patients in ours.data.patients.items()
        if split != features.SPLIT_TRAIN
        for patient in patients
    }
    trained = theirs.data.patients.get(features.SPLIT_TRAIN)
    if judged and not trained:
        return f"expected the patients of its training in {MODEL_FILE}, got none"
    seen = len(judged & set(trained or ()))
    if not seen:
        return ""
    return f"expected a model that has not seen today's eval patients, got {seen} in its training"


def _words(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values)) or "none"
