"""Which model the candidate is compared with."""

from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver

from components.model_files import model_folder, spacing_of


class LastBlessedOtherModel(resolver.ResolverStrategy):
    """Resolves the last blessed model that is not the candidate itself.

    TFX's LatestBlessedModelStrategy returns the candidate once it is blessed: a second run with
    nothing changed would compare the model with itself, and no cached evaluation would fit.
    A model of another spacing can't segment today's examples and is passed over, as SegmentScans
    would leave it out; its context may be another, which the model handles itself.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Picks the baseline.

        Args:
            store: The metadata; not read, the channels hold all that is needed.
            input_dict: `model` (all models so far), `model_blessing` (all verdicts so far) and
                `candidate` (the model of this run).

        Returns:
            `model` and `model_blessing` with one artifact each, or none where no other model of
            the candidate's spacing was blessed; `candidate` as it came.
        """
        del store
        candidates = {model.id for model in input_dict["candidate"]}
        blessed = {
            _model_id(blessing): blessing
            for blessing in input_dict["model_blessing"]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
            == constants.BLESSED_VALUE
        }
        spacings = {spacing_of(model_folder(one)) for one in input_dict["candidate"]} - {None}
        others = [
            model
            for model in input_dict["model"]
            if model.id in blessed
            and model.id not in candidates
            and spacing_of(model_folder(model)) in spacings
        ]
        last = sorted(others, key=lambda model: int(model.id))[-1:]
        return {
            "model": last,
            "model_blessing": [blessed[model.id] for model in last],
            "candidate": input_dict["candidate"],
        }


def _model_id(blessing: types.Artifact) -> Any:
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
