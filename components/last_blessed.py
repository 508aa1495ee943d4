"""Which model the candidate is compared with: the last blessed one that can be.

On this machine TFX's metadata say which models were blessed, and a resolver picks; on Vertex AI
the pipeline's own record says it, and a component picks, by the same rule.
"""

from collections.abc import Sequence
from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common import resolver
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.blessed_models import read_blessed
from components.listed_models import list_models, listed_models
from components.model_files import model_folder, passed_over_text
from lungct import progress
from schema.outputs import PASSED_OVER_KEY


class LastBlessedOtherModel(resolver.ResolverStrategy):
    """Resolves the last blessed model that is not the candidate itself.

    TFX's LatestBlessedModelStrategy returns the candidate once it is blessed: a second run with
    nothing changed would compare the model with itself, and no cached evaluation would fit.
    A model that can't be compared is passed over with a note to the console, and the one blessed
    before it is looked at.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Picks the baseline.

        Args:
            store: The metadata; not read, the channels hold all that is needed.
            input_dict: `model` and `passed_over` (all models so far), `model_blessing` (all
                verdicts so far) and `candidate` (the model of this run).

        Returns:
            `model` and `model_blessing` with one artifact each, or none where no other model was
            blessed that can be compared; `passed_over`, the models blessed after it, the newest
            first; `candidate` as it came.
        """
        del store
        candidates = {model.id for model in input_dict["candidate"]}
        blessed = {
            _model_id(blessing): blessing
            for blessing in input_dict["model_blessing"]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
            == constants.BLESSED_VALUE
        }
        others = [
            model
            for model in input_dict["model"]
            if model.id in blessed and model.id not in candidates
        ]
        newest_first = sorted(others, key=lambda model: int(model.id), reverse=True)
        last, passed_over = _last_comparable(input_dict["candidate"], newest_first)
        return {
            "model": last,
            PASSED_OVER_KEY: passed_over,
            "model_blessing": [blessed[model.id] for model in last],
            "candidate": input_dict["candidate"],
        }


def _last_comparable(
    candidates: Sequence[types.Artifact], others: Sequence[types.Artifact]
) -> tuple[list[types.Artifact], list[types.Artifact]]:
    """The first of other models that can be compared with the candidate, or none; those before."""
    passed_over: list[types.Artifact] = []
    for candidate in candidates:
        for other in others:
            text = passed_over_text(model_folder(candidate), model_folder(other))
            if not text:
                return [other], passed_over
            progress.note(text)
            passed_over.append(other)
    return [], passed_over


def _model_id(blessing: types.Artifact) -> Any:
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)


def last_blessed(candidate: types.Artifact, folder: str) -> tuple[list[str], list[str]]:
    """Picks the baseline by the pipeline's record.

    Args:
        candidate: The model of this run; judged before, it is not compared with itself.
        folder: That of the record.

    Returns:
        Folder of the Model artifact of the last blessed other model that can be compared, or none;
        those of the models blessed after it, the last first.
    """
    recorded = standard_artifacts.Model()
    recorded.mlmd_artifact.CopyFrom(candidate.mlmd_artifact)
    list_models(recorded, [uri for uri in read_blessed(folder) if uri != candidate.uri])
    last, passed_over = _last_comparable([candidate], listed_models([recorded]))
    return [str(model.uri) for model in last], [str(model.uri) for model in passed_over]


class LastBlessedSpec(ComponentSpec):
    """What LastBlessed takes and gives."""

    PARAMETERS = {
        "folder": ExecutionParameter(type=str),
        "code_hash": ExecutionParameter(type=str),
    }
    INPUTS = {"candidate": ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        PASSED_OVER_KEY: ChannelParameter(type=standard_artifacts.Model),
    }


class Executor(base_executor.BaseExecutor):
    """Picks the baseline."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Picks the baseline.

        Args:
            input_dict: `candidate`.
            output_dict: `model` and `passed_over`, which come to stand for the models.
            exec_properties: `folder`.
        """
        candidate = artifact_utils.get_single_instance(input_dict["candidate"])
        last, passed_over = last_blessed(candidate, exec_properties["folder"])
        list_models(artifact_utils.get_single_instance(output_dict["model"]), last)
        list_models(artifact_utils.get_single_instance(output_dict[PASSED_OVER_KEY]), passed_over)


class LastBlessed(base_component.BaseComponent):
    """The last blessed model of this pipeline, where a resolver can't find it.

    Its outputs are read by `components.listed_models`; `components.last_blessed_driver` looks
    before the cache does.
    """

    SPEC_CLASS = LastBlessedSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, candidate: types.BaseChannel, folder: str, code_hash: str) -> None:
        """Wires the component.

        Args:
            candidate: The model of this run.
            folder: That of the pipeline's record.
            code_hash: Hash of the code that picks, for the cache.
        """
        spec = LastBlessedSpec(
            folder=folder,
            code_hash=code_hash,
            candidate=candidate,
            model=types.Channel(type=standard_artifacts.Model),
            passed_over=types.Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)
