"""Evaluator: TFX's, with a baseline that may be none where it comes from a container."""

from typing import Any

from tfx import types
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec

from components.listed_models import listed_models
from schema.outputs import BASELINE_KEY


class Executor(executor.Executor):
    """Evaluates, against the baseline if there is one."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates.

        Args:
            input_dict: As TFX's takes it; `baseline_model` may stand for no model.
            output_dict: `evaluation` and `blessing`.
            exec_properties: As TFX's takes them.
        """
        baseline = listed_models(input_dict.get(BASELINE_KEY) or [])
        super().Do({**input_dict, BASELINE_KEY: baseline}, output_dict, exec_properties)


class Evaluator(component.Evaluator):
    """TFX's Evaluator, which also takes what stands for no baseline."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
