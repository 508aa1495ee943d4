"""The Trainer on Google Cloud: a Vertex custom job, with the epochs of the run."""

import json
from typing import Any

from tfx import types
from tfx.components.trainer import executor as local
from tfx.dsl.components.base import base_executor, executor_spec
from tfx.extensions.google_cloud_ai_platform.trainer import executor as vertex
from tfx.extensions.google_cloud_ai_platform.trainer.component import Trainer
from tfx.types.standard_component_specs import CUSTOM_CONFIG_KEY

from schema.run_parameters import EPOCHS, with_epochs


def of_run(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a Trainer that was compiled with the epochs of the run."""
    learning = json.loads(exec_properties[CUSTOM_CONFIG_KEY])
    changed = with_epochs(learning, exec_properties.get(EPOCHS))
    kept = {key: value for key, value in exec_properties.items() if key != EPOCHS}
    return {**kept, CUSTOM_CONFIG_KEY: json.dumps(changed, sort_keys=True)}


class _OfRun(base_executor.BaseExecutor):
    """Trains with the parameters of the run, as the executor that follows it does."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains.

        Args:
            input_dict: As TFX's Trainer has it.
            output_dict: As TFX's Trainer has it.
            exec_properties: As Google's Trainer has them, and perhaps `epochs`.
        """
        super().Do(input_dict, output_dict, of_run(exec_properties))


class VertexExecutor(_OfRun, vertex.GenericExecutor):
    """Starts the custom job and waits for its end."""


class LocalExecutor(_OfRun, local.GenericExecutor):
    """The same training in this process: what stands in where there is no Vertex AI."""


class VertexTrainer(Trainer):
    """Google's Trainer, whose epochs may be a parameter of the run."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(VertexExecutor)
