"""Which model the candidate is compared with."""

from collections.abc import Sequence
from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver

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
        last, passed_over = _last_comparable(input_dict["candidate"], others)
        return {
            "model": last,
            PASSED_OVER_KEY: passed_over,
            "model_blessing": [blessed[model.id] for model in last],
            "candidate": input_dict["candidate"],
        }


def _last_comparable(
    candidates: Sequence[types.Artifact], others: Sequence[types.Artifact]
) -> tuple[list[types.Artifact], list[types.Artifact]]:
    """The newest of other models that can be compared with the candidate, or none; newer ones."""
    passed_over: list[types.Artifact] = []
    for candidate in candidates:
        for other in sorted(others, key=lambda model: int(model.id), reverse=True):
            text = passed_over_text(model_folder(candidate), model_folder(other))
            if not text:
                return [other], passed_over
            progress.note(text)
            passed_over.append(other)
    return [], passed_over


def _model_id(blessing: types.Artifact) -> Any:
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
