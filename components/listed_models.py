"""An artifact that stands for any number of models: a container has one for each of its outputs."""

import json
from collections.abc import Sequence

from tfx import types
from tfx.types import standard_artifacts

LISTED = "listed_models"


def list_models(artifact: types.Artifact, uris: Sequence[str]) -> None:
    """Lets an artifact stand for models.

    Args:
        artifact: A Model artifact without a model of its own.
        uris: Folders of the Model artifacts that it stands for; none for no model.
    """
    artifact.set_string_custom_property(LISTED, json.dumps(list(uris)))


def listed_models(artifacts: Sequence[types.Artifact]) -> list[types.Artifact]:
    """The models that artifacts stand for.

    Args:
        artifacts: Model artifacts, as a resolver or a container gave them.

    Returns:
        For each the models of its list, else itself. What stands for several has their folders
        and its own number and properties.
    """
    found: list[types.Artifact] = []
    for artifact in artifacts:
        if not artifact.has_custom_property(LISTED):
            found.append(artifact)
            continue
        uris = json.loads(artifact.get_string_custom_property(LISTED))
        found += [_model(artifact, uri) for uri in uris]
    return found


def _model(artifact: types.Artifact, uri: str) -> types.Artifact:
    model = standard_artifacts.Model()
    model.mlmd_artifact.CopyFrom(artifact.mlmd_artifact)
    model.uri = uri
    return model
